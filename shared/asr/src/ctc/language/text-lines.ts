/** Reading large text files as bytes: lines and fields without a string for each. */
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { SpeechError } from "@parlance/contracts";

/** A gzip file may not unfold to more than this. */
const LARGEST_TEXT = 2 ** 30;
const unzip = promisify(gunzip);

/** A text file's bytes, unzipped when it begins like gzip. Throws a SpeechError that names the file. */
export async function readTextFile(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return zipped ? await unzip(bytes, { maxOutputLength: LARGEST_TEXT }) : bytes;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SpeechError("validation_failed", `${path} cannot be read: ${reason}`, { cause });
  }
}

const NEWLINE = 10;
const SPACE = 32;

/** The fields of one line at a time: `starts[n]` to `ends[n]` are byte places of field n. Anything up to a space is blank. */
export interface LineReader {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Fields of the current line, at most as many as fit; -1 at the end of the file. */
  next(): number;
  /** From 1. */
  readonly line: number;
}

export function readLines(source: Uint8Array, mostFields = 256): LineReader {
  const starts = new Int32Array(mostFields);
  const ends = new Int32Array(mostFields);
  let place = 0;
  let line = 0;
  return {
    starts,
    ends,
    get line() {
      return line;
    },
    next() {
      const length = source.length;
      if (place >= length) return -1;
      line++;
      let count = 0;
      for (;;) {
        let byte = place < length ? (source[place] ?? NEWLINE) : NEWLINE;
        while (byte <= SPACE && byte !== NEWLINE) byte = ++place < length ? (source[place] ?? NEWLINE) : NEWLINE;
        if (byte === NEWLINE) {
          place++;
          return count;
        }
        const start = place;
        while (byte > SPACE) byte = ++place < length ? (source[place] ?? NEWLINE) : NEWLINE;
        if (count === mostFields) continue;
        starts[count] = start;
        ends[count] = place;
        count++;
      }
    },
  };
}

/** A decimal number such as `-2.718` or `1e-5`; NaN when it is none. */
export function parseNumber(source: Uint8Array, start: number, end: number): number {
  let place = start;
  const negative = source[place] === 45;
  if (negative || source[place] === 43) place++;
  let digits = 0;
  let scale = 1;
  let fraction = false;
  const from = place;
  for (; place < end; place++) {
    const byte = source[place] ?? 0;
    if (byte === 46 && !fraction) {
      fraction = true;
    } else if (byte >= 48 && byte <= 57) {
      digits = 10 * digits + byte - 48;
      if (fraction) scale *= 10;
    } else {
      // Exponents, infinities and what is no number at all.
      return Number(Buffer.from(source.buffer, source.byteOffset + start, end - start).toString("latin1"));
    }
  }
  if (place === from) return Number.NaN;
  return (negative ? -digits : digits) / scale;
}
