/**
 * What the worker wants of the lanes at the moment, which is what pulling, accepting and acquiring go by.
 *
 *   alarm     nobody of this family has the lease: one job of each lane is pulled to notice that there is work
 *   work      the lease is held: lanes are kept filled, a tenure (tenure-state.ts) runs passes
 *   resting   the model could not be loaded, and the next try is not due: nothing is pulled, another worker may do it
 *   standby   another worker of this family has the lease: nothing is pulled, it serves the lanes
 *
 * Work is noticed by pulling it, because a pull is answered at once and no timer has to ask. Of several workers in alarm all but
 * one give back what they noticed it by; that is not held against a job (unfinished-runs.ts).
 */
import { type Lane, lanes } from "@parlance/contracts";
import { SESSION_MS } from "@parlance/gpu-lease";
import { quietMs } from "../tenure/open-session.ts";
import type { Mode, TenureState } from "../tenure/tenure-state.ts";
import { toldLane, type WorkLane } from "./work-lane.ts";

export function modeOf({ phase, closing, standby, retryAt, wishedSince }: TenureState, now: number): Mode {
  if (closing) return "closed";
  if ("tenure" in phase) return "work";
  if (standby) return "standby";
  return retryAt !== undefined && now < retryAt && wishedSince === undefined ? "resting" : "alarm";
}

/** Jobs are taken. */
export function isOpen({ mode }: TenureState): boolean {
  return mode === "work" || mode === "alarm";
}

/** Something waits that only the lease's holder can do. */
export function isPressing({ waiting, wishedSince }: TenureState): boolean {
  return waiting.length > 0 || wishedSince !== undefined;
}

/** How many more of a lane are wanted. */
export function roomFor({ mode, waiting, maxBatchSize }: TenureState, lane: WorkLane): number {
  const here = waiting.filter((job) => job.lane === lane).length;
  if (mode === "work") return maxBatchSize - here;
  return mode === "alarm" && here === 0 ? 1 : 0;
}

/**
 * What another holder of the lease is told: the most urgent lane that has work, and since when (milliseconds since the epoch) the
 * oldest of it waits; undefined: nothing does. An open session is work whether a window of it is here or answered as late.
 */
export function urgencyOf(state: TenureState, now: number): { lane: Lane; since: number | undefined } {
  const { waiting, wishedSince, liveSince } = state;
  const isOpenSession = quietMs(state, now) < SESSION_MS;
  const isThere = (lane: Lane) =>
    waiting.some((job) => toldLane(job.lane) === lane) ||
    (lane === "interactive" && wishedSince !== undefined) ||
    (lane === "realtime" && isOpenSession);
  const jobs = waiting.filter(({ lane }) => lane !== "window");
  const times = [
    wishedSince,
    isOpenSession ? liveSince : undefined,
    ...jobs.map(({ publishedAt }) => publishedAt),
  ].flatMap((since) => since ?? []);
  return { lane: lanes.find(isThere) ?? "batch", since: times.length === 0 ? undefined : Math.min(...times) };
}
