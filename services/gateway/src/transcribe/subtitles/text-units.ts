/**
 * A text as units that stay on one line: its words; in scripts without spaces the words that ICU's dictionaries find. Punctuation
 * stays with the word that it closes or opens. A word that is wider than a line is broken into units that are not.
 */
import { cutAtWidth, displayWidth, LINE } from "./display-width.ts";

export interface TextUnit {
  text: string;
  /** What stands before it on a line that does not begin with it. */
  before: "" | " ";
  /** Without what stands before it, in parts of a line. */
  width: number;
  /** Whether it is the rest of a word that the unit before it begins. */
  rest: boolean;
}

const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const opening = /^[\p{Ps}\p{Pi}\p{Sc}¿¡#]+$/u;
const words = new Intl.Segmenter("en", { granularity: "word" });

export function cutUnits(text: string): TextUnit[] {
  const units: TextUnit[] = [];
  for (const run of text.match(/\S+/gu) ?? []) {
    for (const [index, word] of (unspaced.test(run) ? cutUnspaced(run) : [run]).entries()) {
      const width = displayWidth(word);
      const pieces = width > LINE ? cutAtWidth(word, LINE) : [word];
      for (const [place, piece] of pieces.entries()) {
        units.push({
          text: piece,
          before: index + place === 0 ? " " : "",
          width: pieces.length === 1 ? width : displayWidth(piece),
          rest: place > 0,
        });
      }
    }
  }
  return units;
}

/** A text without spaces as words with their punctuation. */
function cutUnspaced(run: string): string[] {
  const cut: string[] = [];
  let opened = "";
  for (const { segment, isWordLike } of words.segment(run)) {
    if (isWordLike === true) {
      cut.push(opened + segment);
      opened = "";
    } else if (opened !== "" || cut.length === 0 || opening.test(segment)) {
      opened += segment;
    } else {
      cut.push(`${cut.pop() ?? ""}${segment}`);
    }
  }
  return opened === "" ? cut : [...cut, opened];
}
