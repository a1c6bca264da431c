/** What stands under a waveform: its words where they are said, as far as they fit; of a long recording the time. Pure. */
import type { Word } from "@parlance/contracts";
import { clock } from "./format.ts";

export interface Mark {
  text: string;
  x: number;
  /** Of its word among the words; undefined: it is a time. */
  word: number | undefined;
}

const GAP = 4;
/** Fewer than these would leave most of what is said out. */
const LEAST_SHARE = 0.6;
const TIMES = 4;

/** @param width of the waveform, and `widthOf` a text, in the same unit */
export function marksOf(
  words: readonly Word[],
  seconds: number,
  width: number,
  widthOf: (text: string) => number,
): Mark[] {
  if (seconds <= 0) return [];
  const marks: Mark[] = [];
  let free = 0;
  for (const [word, { start, text }] of words.entries()) {
    const said = text.trim();
    const x = (start / seconds) * width;
    const end = x + widthOf(said);
    if (said === "" || x < free || end > width) continue;
    marks.push({ text: said, x, word });
    free = end + GAP;
  }
  if (marks.length > 0 && marks.length >= LEAST_SHARE * words.length) return marks;
  return Array.from({ length: TIMES }, (_, index) => {
    const at = (index / TIMES) * seconds;
    return { text: clock(at), x: (at / seconds) * width, word: undefined };
  });
}
