/** The newest passes, as they are told of. Pure. */
import type { OperateEvent } from "@parlance/contracts";

export type Pass = Extract<OperateEvent, { type: "pass" }>;

/** Whatever happens, no more are held. */
export const MOST_PASSES = 12;
/** Longer than any pass: its worker died in it, or its end was told while nobody listened. */
const LOST_MS = 10 * 60_000;

/** Those that began last come first. */
export function newestPasses(before: readonly Pass[], told: Pass): Pass[] {
  return [told, ...before.filter(({ id }) => id !== told.id)]
    .sort((a, b) => b.started_at.localeCompare(a.started_at))
    .slice(0, MOST_PASSES);
}

/** Milliseconds that it took, or takes until now. */
export function courseOf(pass: Pass, now: number): { state: "over" | "running" | "lost"; ms: number } {
  const { started_at, ended_at, rows, ended } = pass;
  const began = Date.parse(started_at);
  if (ended >= rows && ended_at !== null) return { state: "over", ms: Date.parse(ended_at) - began };
  const ms = Math.max(0, now - began);
  return { state: ms > LOST_MS ? "lost" : "running", ms };
}
