/**
 * Repetition repair: a model that has lost its way says the same thing over and over. This is the official rule of
 * Qwen3-ASR (`detect_and_fix_repetitions`, threshold 20), on Unicode code points, applied to every text that leaves:
 *
 * 1. a run of one character longer than 20 becomes that character once;
 * 2. from the left, wherever at least 40 characters remain, a unit of 1 to 20 characters that stands at least 20 times in
 *    a row is kept once; shorter units are tried first.
 *
 * The official code compares slices and is quadratic in bad cases. Here each unit length remembers its next mismatch,
 * which only moves right, so that the time is linear in the text.
 */
import type { TextStretch, Word } from "@parlance/contracts";
import { compressionRatio } from "./stretches.ts";

const threshold = 20;
/** Characters of the longest unit that may be cut away when it repeats. */
export const longestUnit = 20;

export function repairRepetitions(text: string): string {
  if (text.length <= threshold) return text;
  const points = Array.from(text);
  const kept = keptPoints(points);
  return kept === undefined ? text : points.filter((_, index) => kept[index] === 1).join("");
}

/** Where the first repair of a text begins to cut, as an index into its code points; undefined when there is none. */
export function firstCut(points: readonly string[]): number | undefined {
  return keptPoints(points)?.indexOf(0);
}

export interface Transcript {
  text: string;
  words: Word[];
  stretches: TextStretch[];
}

/**
 * Repairs a text and, with it, the words found in it and the stretches that cover it: one that is cut away goes, one that is cut
 * short is shortened.
 */
export function repairTranscript(
  text: string,
  words: readonly Word[],
  stretches: readonly TextStretch[] = [],
): Transcript {
  const points = Array.from(text);
  const kept = keptPoints(points);
  if (kept === undefined) return { text, words: [...words], stretches: [...stretches] };
  moveCutsToWords(points, kept);
  const left = (from: number, to: number) => points.slice(from, to).filter((_, index) => kept[from + index] === 1);
  const repaired: Word[] = [];
  let cursor = 0;
  for (const word of words) {
    const wanted = Array.from(word.text);
    let start = cursor;
    while (start + wanted.length <= points.length && !wanted.every((point, index) => points[start + index] === point)) {
      start++;
    }
    // A word that the text does not hold (a model may normalise its text) stays as it is.
    if (start + wanted.length > points.length) {
      repaired.push(word);
      continue;
    }
    cursor = start + wanted.length;
    const rest = left(start, cursor).join("");
    if (rest !== "") repaired.push({ ...word, text: rest });
  }
  const repairedStretches = repairStretches(text, stretches, (from, to) => left(from, to).join(""));
  return { text: left(0, points.length).join(""), words: repaired, stretches: repairedStretches };
}

/** `left`: what is left of the text from one code point to another. */
function repairStretches(
  text: string,
  stretches: readonly TextStretch[],
  left: (from: number, to: number) => string,
): TextStretch[] {
  const joined = stretches.map((stretch) => stretch.text).join("");
  // Space before the text may be a stretch's alone.
  const before = joined.indexOf(text);
  if (before === -1) return [...stretches];
  let at = -Array.from(joined.slice(0, before)).length;
  let space = "";
  return stretches.flatMap((stretch) => {
    const from = Math.max(0, at);
    at += Array.from(stretch.text).length;
    const rest = space + left(from, Math.max(0, at));
    // What parts the words of others.
    space = rest.trim() === "" ? rest : "";
    return space === rest ? [] : [{ ...stretch, text: rest, compression_ratio: compressionRatio(rest) }];
  });
}

/**
 * The unit of "so no no no" is "o n", so a cut may begin inside a word. Moving it right past equal characters leaves the
 * text as it is and lets the first word of a repetition stay whole.
 */
function moveCutsToWords(points: readonly string[], kept: Uint8Array): void {
  for (let start = kept.indexOf(0); start !== -1; ) {
    let end = start;
    while (end < kept.length && kept[end] === 0) end++;
    let shift = 0;
    const movable = () => kept[end + shift] === 1 && points[start + shift] === points[end + shift];
    while (shift <= longestUnit && points[start + shift - 1] !== " " && movable()) shift++;
    if (points[start + shift - 1] === " ") {
      kept.fill(1, start, start + shift);
      kept.fill(0, end, end + shift);
      end += shift;
    }
    start = kept.indexOf(0, end);
  }
}

/** One mark per code point, 1 for those that stay; undefined when all do. */
function keptPoints(points: readonly string[]): Uint8Array | undefined {
  const kept = new Uint8Array(points.length).fill(1);
  let changed = false;
  for (let start = 0; start < points.length; ) {
    let end = start + 1;
    while (end < points.length && points[end] === points[start]) end++;
    if (end - start > threshold) {
      kept.fill(0, start + 1, end);
      changed = true;
    }
    start = end;
  }

  // What the first rule left, as code points and as places in the original.
  const places = Int32Array.from(points.keys()).filter((index) => kept[index] === 1);
  const codes = Int32Array.from(places, (index) => points[index]?.codePointAt(0) ?? 0);
  const mismatches = new Int32Array(longestUnit + 1).fill(-1);
  for (let index = 0; index + 2 * threshold <= codes.length; ) {
    const [unit, end] = repeatedUnit(codes, index, mismatches);
    if (unit === 0) {
      index++;
      continue;
    }
    for (let cut = index + unit; cut < end; cut++) kept[places[cut] ?? 0] = 0;
    changed = true;
    index = end;
  }
  return changed ? kept : undefined;
}

/** The shortest unit that stands at least `threshold` times from `index` on, and where its repetitions end; unit 0: none. */
function repeatedUnit(codes: Int32Array, index: number, mismatches: Int32Array): [unit: number, end: number] {
  for (let unit = 1; unit <= longestUnit && index + unit * threshold <= codes.length; unit++) {
    let mismatch = mismatches[unit] ?? -1;
    if (mismatch < index) {
      mismatch = index;
      while (mismatch + unit < codes.length && codes[mismatch] === codes[mismatch + unit]) mismatch++;
      mismatches[unit] = mismatch;
    }
    const times = 1 + Math.floor((mismatch - index) / unit);
    if (times >= threshold) return [unit, index + times * unit];
  }
  return [0, index];
}
