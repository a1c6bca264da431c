/**
 * What the worker wants of the lanes at the moment, which is what pulling, accepting and acquiring go by.
 *
 *   alarm     nobody of this family has the lease: one job of each lane is pulled to notice that there is work
 *   work      the lease is held: lanes are kept filled, a tenure (tenure-state.ts) runs passes
 *   resting   no model could be loaded, and the next try is not due: nothing is pulled, another worker may do it
 *   standby   another worker of this family has the lease: nothing is pulled, it serves the lanes
 *
 * Of several models each has its own room: those that are not loaded are in alarm while another is, and one alone may rest.
 *
 * Work is noticed by pulling it, because a pull is answered at once and no timer has to ask. Of several workers in alarm all but
 * one give back what they noticed it by; that is not held against a job (unfinished-runs.ts).
 */
import { type Lane, lanes } from "@parlance/contracts";
import { SESSION_MS } from "@parlance/gpu-lease";
import { quietMs } from "../tenure/open-session.ts";
import type { Mode, TenureState } from "../tenure/tenure-state.ts";
import { toldLane, type WorkLane } from "./work-lane.ts";

export function modeOf(state: TenureState): Mode {
  const { phase, closing, standby, models } = state;
  if (closing) return "closed";
  if ("tenure" in phase) return "work";
  if (standby) return "standby";
  const areResting = Array.from({ length: models }).every((_, model) => rests(state, model));
  return areResting ? "resting" : "alarm";
}

/** It could not be had or loaded, and is not tried again yet: unless somebody waits for it by name. */
export function rests({ resting, wished }: TenureState, model: number): boolean {
  return wished?.model !== model && resting.some((each) => each.model === model && each.until !== undefined);
}

/** Jobs are taken. */
export function isOpen({ mode }: TenureState): boolean {
  return mode === "work" || mode === "alarm";
}

/** How many more of a lane are wanted for a model. */
export function roomFor(state: TenureState, lane: WorkLane, model: number): number {
  const { mode, waiting, maxBatchSize } = state;
  if (rests(state, model)) return 0;
  const here = waiting.filter((job) => job.lane === lane && job.model === model).length;
  if (mode === "work" && model === state.model) return maxBatchSize - here;
  return (mode === "work" || mode === "alarm") && here === 0 ? 1 : 0;
}

/**
 * What another holder of the lease is told: the most urgent lane that has work, and since when (milliseconds since the epoch) the
 * oldest of it waits; undefined: nothing does. An open session is work whether a window of it is here or answered as late.
 */
export function urgencyOf(state: TenureState, now: number): { lane: Lane; since: number | undefined } {
  const { waiting, wished, liveSince } = state;
  const isOpenSession = quietMs(state, now) < SESSION_MS;
  const isThere = (lane: Lane) =>
    waiting.some((job) => toldLane(job.lane) === lane) ||
    (lane === "interactive" && wished !== undefined) ||
    (lane === "realtime" && isOpenSession);
  const jobs = waiting.filter(({ lane }) => lane !== "window");
  const times = [
    wished?.since,
    isOpenSession ? liveSince : undefined,
    ...jobs.map(({ publishedAt }) => publishedAt),
  ].flatMap((since) => since ?? []);
  return { lane: lanes.find(isThere) ?? "batch", since: times.length === 0 ? undefined : Math.min(...times) };
}
