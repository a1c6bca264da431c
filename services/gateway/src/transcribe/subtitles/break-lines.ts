/** A cue on one line where it fits, else on two: broken at a phrase, of even widths. */
import { type Cut, widths } from "./cut-cues.ts";
import { LINE } from "./display-width.ts";
import type { Break } from "./phrases.ts";
import type { TextUnit } from "./text-units.ts";

/** What a line that is empty beside a full one would cost. */
const UNEVEN = 24;

export function breakLines(units: readonly TextUnit[], { from, to }: Cut, breaks: readonly Break[]): string[] {
  const own = units.slice(from, to);
  const widthOf = widths(own);
  if (widthOf(0, own.length) <= LINE) return [written(own)];
  let best = { cost: Number.POSITIVE_INFINITY, at: own.length };
  for (let at = 1; at < own.length; at++) {
    const [first, second] = [widthOf(0, at), widthOf(at, own.length)];
    if (first > LINE || second > LINE) continue;
    const cost = (breaks[from + at - 1]?.cost ?? 0) + (UNEVEN * Math.abs(first - second)) / LINE;
    if (cost < best.cost) best = { cost, at };
  }
  return [written(own.slice(0, best.at)), written(own.slice(best.at))].filter((line) => line !== "");
}

function written(units: readonly TextUnit[]): string {
  return units.map(({ text, before }, index) => (index === 0 ? text : before + text)).join("");
}
