/** From written English to what is said: light enough for services that load no model. */
export { type CutTextOptions, cutText, type TextPiece } from "./cut-text.ts";
export { foreignLetters, normalise } from "./normalise.ts";
export { spokenProblem } from "./spoken-problem.ts";
