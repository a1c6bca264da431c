/** A cue on one line where it fits, else on two: broken at a phrase, of even widths. */
import { LETTER, LINE } from "./display-width.ts";
import type { Break } from "./phrases.ts";
import type { TextUnit } from "./text-units.ts";

/** What a line that is empty beside a full one would cost. */
const UNEVEN = 24;

/** Units `from` to the one before `to`. */
export interface Cut {
  from: number;
  to: number;
}

/** How wide the units of a cut are on one line. */
export type WidthOf = (from: number, to: number) => number;

export function widths(units: readonly TextUnit[]): WidthOf {
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

/** The unit that begins the second line, `to` where there is none, and what that costs; undefined when two lines do not hold it. */
export function secondLine(
  { from, to }: Cut,
  widthOf: WidthOf,
  breaks: readonly Break[],
): { at: number; cost: number } | undefined {
  if (widthOf(from, to) <= LINE) return { at: to, cost: 0 };
  let best: { at: number; cost: number } | undefined;
  for (let at = to - 1; at > from; at--) {
    const [first, second] = [widthOf(from, at), widthOf(at, to)];
    if (second > LINE) break;
    if (first > LINE) continue;
    const cost = (breaks[at - 1]?.cost ?? 0) + (UNEVEN * Math.abs(first - second)) / LINE;
    if (best === undefined || cost <= best.cost) best = { at, cost };
  }
  return best;
}

export function breakLines(units: readonly TextUnit[], cut: Cut, widthOf: WidthOf, breaks: readonly Break[]): string[] {
  const at = secondLine(cut, widthOf, breaks)?.at ?? cut.to;
  return [written(units.slice(cut.from, at)), written(units.slice(at, cut.to))].filter((line) => line !== "");
}

function written(units: readonly TextUnit[]): string {
  return units.map(({ text, before }, index) => (index === 0 ? text : before + text)).join("");
}
