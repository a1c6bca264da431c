/**
 * Which units make a cue: of all ways to cut the text into cues that fit two lines and seven seconds, the one with the fewest
 * cues that would last under a second, and among those the cheapest: few cues that end where phrases do, and are of a size.
 */
import { LETTER, LINE } from "./display-width.ts";
import type { Break } from "./phrases.ts";
import type { TextUnit } from "./text-units.ts";
import type { Span } from "./unit-times.ts";

/** Units `from` to the one before `to`. */
export interface Cut {
  from: number;
  to: number;
}

const LONGEST_SECONDS = 7;
const SHORTEST_SECONDS = 1;
const EACH = 5;
/** More than all other costs of a cue together. */
const TOO_SHORT = 1_000;
const THIN = 4;
const UNEVEN = 4;

export function cutCues(
  units: readonly TextUnit[],
  times: readonly Span[],
  breaks: readonly Break[],
  seconds: number,
): Cut[] {
  const widthOf = widths(units);
  const count = units.length;
  const cheapest = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
  cheapest[0] = 0;
  const cameFrom = new Int32Array(count + 1);
  for (let from = 0; from < count; from++) {
    const start = times[from]?.start ?? 0;
    let end = start;
    let joins = 0;
    /** The first unit that does not fit on the first line. */
    let second = from;
    for (let to = from + 1; to <= count; to++) {
      end = Math.max(end, times[to - 1]?.end ?? 0);
      if (to > from + 1) {
        const joined = breaks[to - 2];
        if (joined?.parted === true || end - start > LONGEST_SECONDS) break;
        joins += joined?.joinCost ?? 0;
      }
      if (second === to - 1 && widthOf(from, to) <= LINE) second = to;
      if (second < to && widthOf(second, to) > LINE) break;
      const width = widthOf(from, to);
      const lasts = Math.min(times[to]?.start ?? seconds, seconds) - start;
      const cost =
        (cheapest[from] ?? 0) +
        EACH +
        joins +
        (breaks[to - 1]?.cost ?? 0) +
        (lasts < SHORTEST_SECONDS ? TOO_SHORT : 0) +
        (width < LINE / 3 ? THIN : 0) +
        UNEVEN * (width / (2 * LINE)) ** 2;
      if (cost < (cheapest[to] ?? 0)) {
        cheapest[to] = cost;
        cameFrom[to] = from;
      }
    }
  }
  const cuts: Cut[] = [];
  for (let to = count; to > 0; to = cameFrom[to] ?? 0) cuts.push({ from: cameFrom[to] ?? 0, to });
  return cuts.reverse();
}

/** Answers how wide units `from` to the one before `to` are on one line. */
export function widths(units: readonly TextUnit[]): (from: number, to: number) => number {
  const begins = new Float64Array(units.length);
  const ends = new Float64Array(units.length);
  let width = 0;
  for (const [index, unit] of units.entries()) {
    if (unit.before !== "") width += LETTER;
    begins[index] = width;
    width += unit.width;
    ends[index] = width;
  }
  return (from, to) => (ends[to - 1] ?? 0) - (begins[from] ?? 0);
}
