/**
 * Which units make a cue. Of all ways to cut the text into cues that fit two lines and seven seconds, the one with the fewest cues
 * under a second is taken. Among those it is the cheapest: few cues and lines, of a size, that end where phrases do.
 */
import { type Cut, secondLine, type WidthOf } from "./break-lines.ts";
import { LINE } from "./display-width.ts";
import type { Break } from "./phrases.ts";
import type { Span } from "./unit-times.ts";

const LONGEST_SECONDS = 7;
const SHORTEST_SECONDS = 1;
const EACH = 5;
/** More than all other costs of a cue together. */
const TOO_SHORT = 1_000;
const THIN = 4;
const UNEVEN = 4;
/** What the end of a line weighs beside the end of a cue. */
const LINE_END = 0.4;

/** `times` and `breaks` have one for each unit; `seconds` is the length of the audio. */
export function cutCues(times: readonly Span[], breaks: readonly Break[], widthOf: WidthOf, seconds: number): Cut[] {
  const count = times.length;
  const cheapest = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
  cheapest[0] = 0;
  const cameFrom = new Int32Array(count + 1);
  for (let from = 0; from < count; from++) {
    const start = times[from]?.start ?? 0;
    let end = start;
    let joins = 0;
    for (let to = from + 1; to <= count; to++) {
      end = Math.max(end, times[to - 1]?.end ?? 0);
      if (to > from + 1) {
        const joined = breaks[to - 2];
        if (joined?.parted === true || end - start > LONGEST_SECONDS) break;
        joins += joined?.joinCost ?? 0;
      }
      const second = secondLine({ from, to }, widthOf, breaks);
      if (second === undefined) break;
      const width = widthOf(from, to);
      const lasts = Math.min(times[to]?.start ?? seconds, seconds) - start;
      const cost =
        (cheapest[from] ?? 0) +
        EACH +
        joins +
        (breaks[to - 1]?.cost ?? 0) +
        LINE_END * second.cost +
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
