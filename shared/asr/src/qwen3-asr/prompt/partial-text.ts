/**
 * What there is of an answer while it is being written: the text so far, with which its text will begin but for what a repair of
 * repetitions may cut away. An answer is repaired whole: what stands before its text is told too.
 */
import { stripStart } from "./python-text.ts";
import { parseOutput, textTag } from "./spoken-output.ts";

export interface PartialText {
  text: string;
  /** As of the whole answer. */
  language: string;
  before: string;
}

/** Undefined before the text begins. */
export function partialText(raw: string, forced: string | undefined): PartialText | undefined {
  // A character whose bytes are not all there yet.
  const answer = stripStart(raw.replace(/\ufffd+$/u, ""));
  if (forced !== undefined) return { text: answer, language: forced, before: "" };
  const tag = answer.indexOf(textTag);
  if (tag === -1) return undefined;
  const begun = tag + textTag.length;
  const text = stripStart(answer.slice(begun));
  const { language } = parseOutput(answer.slice(0, begun), undefined);
  return { text, language, before: answer.slice(0, answer.length - text.length) };
}
