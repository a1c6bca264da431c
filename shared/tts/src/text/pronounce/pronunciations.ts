/** A pronouncing dictionary, kept as the bytes it came in: loading it costs unzipping it, a look-up one bisection. */
import { gunzipSync } from "node:zlib";

export interface Pronunciations {
  /** The ways to say a word, the default first; empty for a word that is not listed. */
  find(word: string): string[][];
  has(word: string): boolean;
}

const NEWLINE = 10;
const BLANK = 32;

/**
 * Reads `word phone phone …` lines, zipped or not; a word may have several. Throws an Error that names the line of a word without
 * phones.
 */
export function readPronunciations(bytes: Uint8Array): Pronunciations {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : Buffer.from(bytes);
  const starts = lineStarts(plain);
  const data = isSorted(plain, starts) ? plain : Buffer.from(sorted(plain.toString()));
  const lines = data === plain ? starts : lineStarts(data);

  /** The first line whose word is not before `word`. */
  const search = (word: Buffer): number => {
    let low = 0;
    let high = lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareWord(data, lines[middle] ?? 0, word) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const line = (index: number) => {
    const start = lines[index] ?? data.length;
    const end = data.indexOf(NEWLINE, start);
    return data.toString("latin1", start, end === -1 ? data.length : end).trimEnd();
  };
  return {
    find(word) {
      const bytesOfWord = Buffer.from(word);
      const found: string[][] = [];
      for (let index = search(bytesOfWord); index < lines.length; index++) {
        if (compareWord(data, lines[index] ?? 0, bytesOfWord) !== 0) break;
        const [, ...phones] = line(index).split(" ");
        if (phones.length === 0) throw new Error(`lexicon: ${JSON.stringify(word)} has no phones`);
        found.push(phones);
      }
      return found;
    },
    has(word) {
      const bytesOfWord = Buffer.from(word);
      const index = search(bytesOfWord);
      return index < lines.length && compareWord(data, lines[index] ?? 0, bytesOfWord) === 0;
    },
  };
}

function lineStarts(data: Buffer): Int32Array {
  const starts: number[] = [];
  for (let start = 0; start < data.length; ) {
    const end = data.indexOf(NEWLINE, start);
    if (end !== start) starts.push(start);
    if (end === -1) break;
    start = end + 1;
  }
  return Int32Array.from(starts);
}

/** The order of the word on the line at `start`, and `word`: below, at or above 0. */
function compareWord(data: Buffer, start: number, word: Buffer): number {
  for (let place = 0; ; place++) {
    const there = data[start + place] ?? NEWLINE;
    const ended = there === BLANK || there === NEWLINE;
    const asked = word[place];
    if (asked === undefined) return ended ? 0 : 1;
    if (ended) return -1;
    if (there !== asked) return there - asked;
  }
}

function isSorted(data: Buffer, starts: Int32Array): boolean {
  for (let index = 1; index < starts.length; index++) {
    const before = starts[index - 1] ?? 0;
    const here = starts[index] ?? 0;
    for (let place = 0; ; place++) {
      const a = data[before + place] ?? BLANK;
      const b = data[here + place] ?? BLANK;
      // A word that ends comes before one that goes on: the blank is below every letter.
      if (a < b || (a === b && a === BLANK)) break;
      if (a > b) return false;
    }
  }
  return true;
}

/** Lines by word; the variants of one word stay in their order. */
function sorted(text: string): string {
  const entries = text
    .split("\n")
    .filter((entry) => entry !== "")
    .map((entry) => ({ word: Buffer.from(entry.split(" ", 1)[0] ?? ""), entry }));
  return `${entries
    .sort((a, b) => Buffer.compare(a.word, b.word))
    .map(({ entry }) => entry)
    .join("\n")}\n`;
}
