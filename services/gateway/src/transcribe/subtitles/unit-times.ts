/**
 * When each unit of a text was said: from the words that it matches, else from the segments, whose times are shared out by
 * letters. What neither tells lies between its neighbours. The units' beginnings ascend, each behind the one before.
 */
import type { Transcript } from "@parlance/contracts";
import { LETTER } from "./display-width.ts";
import { lettersOf, matchLetters } from "./match-letters.ts";
import type { TextUnit } from "./text-units.ts";

/** Seconds. */
export interface Span {
  start: number;
  end: number;
}

/** A text whose times are known. */
interface Piece extends Span {
  text: string;
}

/** Speech is not slower: what is missing in a long silence was said at one end of it. */
const SECONDS_PER_LETTER = 0.2;

export function timeUnits(units: readonly TextUnit[], transcript: Transcript, seconds: number): Span[] {
  const letters = units.map(({ text }) => lettersOf(text));
  const exact = matchedSpans(letters, transcript.timestamps ?? []);
  const coarse = matchedSpans(letters, transcript.segments ?? []);
  const times = fillFrom(rising(exact, seconds), coarse, seconds);
  return shareOut(times, units, seconds);
}

/** For each unit, the time of its letters as far as they are in the pieces. */
function matchedSpans(units: readonly (readonly string[])[], pieces: readonly Piece[]): (Span | undefined)[] {
  if (pieces.length === 0) return units.map(() => undefined);
  const spelt = pieces.map(({ text }) => lettersOf(text));
  const said = spelt.flat();
  const starts = new Float64Array(said.length);
  const ends = new Float64Array(said.length);
  let at = 0;
  for (const [index, { start, end }] of pieces.entries()) {
    const count = spelt[index]?.length ?? 0;
    for (let letter = 0; letter < count; letter++, at++) {
      starts[at] = start + ((end - start) * letter) / count;
      ends[at] = start + ((end - start) * (letter + 1)) / count;
    }
  }
  const matches = matchLetters(units.flat(), said);
  let next = 0;
  return units.map((letters) => {
    const own = matches.subarray(next, next + letters.length);
    next += letters.length;
    const first = own.find((match) => match >= 0);
    const last = own.findLast((match) => match >= 0);
    if (first === undefined || last === undefined) return undefined;
    const start = starts[first] ?? 0;
    return { start, end: Math.max(start, ends[last] ?? 0) };
  });
}

/** Keeps what begins behind the one before and within the audio; only the first unit may begin with it. */
function rising(spans: readonly (Span | undefined)[], seconds: number): (Span | undefined)[] {
  let before = 0;
  return spans.map((span, index) => {
    if (span === undefined || !(span.start > before || (index === 0 && span.start >= 0))) return undefined;
    if (span.start >= seconds) return undefined;
    before = span.start;
    return { start: span.start, end: Math.min(span.end, seconds) };
  });
}

/** Takes the coarse times of units that have none, where they lie between those of their neighbours. */
function fillFrom(
  times: readonly (Span | undefined)[],
  coarse: readonly (Span | undefined)[],
  seconds: number,
): (Span | undefined)[] {
  let next = seconds;
  const fitting = coarse
    .map((span, index) => ({ span, index }))
    .reverse()
    .map(({ span, index }) => {
      const known = times[index];
      if (known !== undefined) next = known.start;
      return known ?? (span !== undefined && span.end <= next ? span : undefined);
    });
  return rising(fitting.reverse(), seconds);
}

/** Gives every unit a time: a stretch of units without one shares the time between its neighbours by their widths. */
function shareOut(times: readonly (Span | undefined)[], units: readonly TextUnit[], seconds: number): Span[] {
  const shared: Span[] = [];
  const nothingKnown = times.every((span) => span === undefined);
  for (let from = 0; from < units.length; ) {
    const known = times[from];
    if (known !== undefined) {
      shared.push(known);
      from++;
      continue;
    }
    let to = from;
    while (to < units.length && times[to] === undefined) to++;
    let first = from;
    const previous = shared.at(-1);
    const next = times[to]?.start ?? seconds;
    let start = previous?.end ?? 0;
    if (previous !== undefined && (previous.end <= previous.start || previous.end >= next)) {
      // No room behind it, or none of its own: it shares its time with them.
      shared.pop();
      first--;
      start = previous.start;
    }
    const weights = units.slice(first, to).map(({ width }) => Math.max(width, LETTER));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const longest = nothingKnown ? Number.POSITIVE_INFINITY : (total / LETTER) * SECONDS_PER_LETTER;
    const length = Math.min(next - start, longest);
    // What comes before all that is known was said just before it.
    if (previous === undefined) start = next - length;
    let sum = 0;
    for (const weight of weights) {
      const begin = start + (length * sum) / total;
      sum += weight;
      shared.push({ start: begin, end: start + (length * sum) / total });
    }
    from = to;
  }
  return shared;
}
