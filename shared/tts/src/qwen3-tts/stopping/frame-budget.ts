/**
 * How many frames a text may take: a bound on a model that does not end by itself, several times what a person takes. What is written
 * decides: a letter is a part of a syllable, an ideograph or a kana is one, a figure is read as a word. Pure.
 */
import { repeatedStretch } from "./repeated-stretch.ts";

export interface FrameAllowance {
  /** Of 80 ms, for each letter of an alphabet. */
  framesPerLetter: number;
  /** For each character that is a syllable or a word. */
  framesPerSyllable: number;
  /** For each figure, and each sign that has a name. */
  framesPerFigure: number;
  /** That any text may take beyond: pauses, a breath, the end. */
  spareFrames: number;
}

const syllable = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
const letter = /\p{L}/u;
const figure = /[\p{N}\p{S}&%@#*/]/u;
/** A pause is as long as a letter or two. */
const pause = /[\p{P}\n]/u;

/** At least one frame, and no more than `most`. */
export function frameBudget(text: string, allowance: FrameAllowance, most: number): number {
  return Math.max(1, Math.min(most, Math.ceil(framesOf(text, allowance) + allowance.spareFrames)));
}

/** What the stretch of a text that says the same over and over may take: as long may its frames repeat. */
export function repeatedFrames(text: string, allowance: FrameAllowance): number {
  return Math.ceil(framesOf(repeatedStretch(text), allowance));
}

function framesOf(text: string, { framesPerLetter, framesPerSyllable, framesPerFigure }: FrameAllowance): number {
  let frames = 0;
  for (const character of text.normalize("NFKC")) {
    if (syllable.test(character)) frames += framesPerSyllable;
    else if (letter.test(character)) frames += framesPerLetter;
    else if (figure.test(character)) frames += framesPerFigure;
    else if (pause.test(character)) frames += 2 * framesPerLetter;
  }
  return frames;
}
