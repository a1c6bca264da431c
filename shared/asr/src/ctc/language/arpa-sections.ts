/** The n-grams of an ARPA file, section by section, as typed arrays. */
import { SpeechError } from "@parlance/contracts";
import { type LineReader, parseNumber } from "./text-lines.ts";
import type { Vocabulary } from "./vocabulary.ts";

const highestOrder = 3;
const BACKSLASH = 92;

export interface Section {
  /** `order` words for each n-gram. */
  words: Int32Array;
  probability: Float32Array;
  backoff: Float32Array;
}

/** Words that the vocabulary lacks are added to it. Throws a SpeechError that names the line. */
export function readSections(source: Uint8Array, reader: LineReader, vocabulary: Vocabulary): Section[] {
  const { starts, ends } = reader;
  const text = (field: number) => Buffer.from(source.subarray(starts[field], ends[field])).toString();
  const sections: Section[] = [];
  const counts: number[] = [];
  let seenData = false;
  let order = 0;
  let section = emptySection(0, 0);
  let entry = 0;
  const finish = () => {
    if (order === 0 || order > highestOrder) return;
    const expected = section.probability.length;
    if (entry !== expected) throw wrong(reader.line, `there are ${entry} ${order}-grams, the head says ${expected}`);
    sections[order - 1] = section;
  };
  for (let count = reader.next(); count !== -1; count = reader.next()) {
    if (count === 0) continue;
    if (count === 1 && source[starts[0] ?? 0] === BACKSLASH) {
      const title = text(0);
      if (title === "\\data\\") seenData = true;
      const match = /^\\(?:(\d)-grams:|end\\)$/.exec(title);
      if (match === null || !seenData) continue;
      finish();
      if (match[1] === undefined) return sections;
      order = Number(match[1]);
      entry = 0;
      if (order <= highestOrder) section = emptySection(counts[order] ?? 0, order, source.length, reader.line);
      continue;
    }
    if (order === 0) {
      const match = /^(\d)=(\d+)$/.exec(seenData && count === 2 && text(0) === "ngram" ? text(1) : "");
      if (match !== null) counts[Number(match[1])] = Number(match[2]);
      continue;
    }
    // The lower orders stand in for those above trigrams.
    if (order > highestOrder) continue;
    if (count !== order + 1 && count !== order + 2) throw wrong(reader.line, `this is not a ${order}-gram`);
    const probability = parseNumber(source, starts[0] ?? 0, ends[0] ?? 0);
    const last = order + 1;
    const backoff = count === last ? 0 : parseNumber(source, starts[last] ?? 0, ends[last] ?? 0);
    if (Number.isNaN(probability) || Number.isNaN(backoff) || probability > 0) {
      throw wrong(reader.line, "the log-probability or backoff weight is not valid");
    }
    for (let field = 1; field <= order; field++) {
      section.words[entry * order + field - 1] = vocabulary.add(source, starts[field] ?? 0, ends[field] ?? 0);
    }
    // ARPA files are in base 10.
    section.probability[entry] = probability * Math.LN10;
    section.backoff[entry] = backoff * Math.LN10;
    entry++;
  }
  throw wrong(reader.line, seenData ? "the file ends without \\end\\" : "this is not an ARPA file: it has no \\data\\");
}

/** Room for `count` n-grams; each takes at least 4 bytes of its file, so that a wrong count cannot ask for more. */
function emptySection(count: number, order: number, bytes = 0, line = 0): Section {
  if (4 * count > bytes) throw wrong(line, `the head says ${count} ${order}-grams, which the file is too short for`);
  return {
    words: new Int32Array(count * order),
    probability: new Float32Array(count),
    backoff: new Float32Array(count),
  };
}

export function wrong(line: number, what: string): SpeechError {
  return new SpeechError("validation_failed", `language model, line ${line}: ${what}`);
}
