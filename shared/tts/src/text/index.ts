/**
 * From written English to what is said: light enough for services that load no model.
 *
 * Four steps, each a pure function that keeps no state. `spokenProblem` says why a text cannot be said at all, in any language.
 * `cutText` parts a text into sentences with the silence between them; nothing is lost on the way. `normalise` turns what is
 * written into words: numbers, money, dates, abbreviations, addresses; punctuation becomes four marks of pause.
 * `createPronouncer` turns those words into phones: the lexicon of a voice first, then endings, beginnings and compounds of its
 * words, then rules learned from a lexicon. The last two steps know English alone, and read words of other scripts in Latin letters:
 * `scriptProblem` says whether a text is foreign for the most part, `isWrittenIn` whether it is in a language's letters.
 */
export { withoutControlTokens } from "./control-tokens.ts";
export { type CutTextOptions, cutText, type TextPiece } from "./cut/cut-text.ts";
export { createTextCutter, type TextCutter } from "./cut/text-cutter.ts";
export { normalise } from "./normalise/normalise.ts";
export {
  createPronouncer,
  type Origin,
  type Pronounced,
  type Pronouncer,
  type PronouncerOptions,
  phonesOf,
} from "./pronounce/pronouncer.ts";
export { type Pronunciations, readPronunciations } from "./pronounce/pronunciations.ts";
export { isWrittenIn, type Reader, scriptProblem } from "./script-problem.ts";
export { spokenProblem } from "./spoken-problem.ts";
