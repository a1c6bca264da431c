/**
 * What waits here, by how soon it is wanted: the lanes of jobs and, behind whole utterances, the windows of live sessions. Both
 * of these are **live**: somebody is speaking.
 */
import type { Lane } from "@parlance/contracts";

export const workLanes = ["realtime", "window", "interactive", "batch"] as const;
export type WorkLane = (typeof workLanes)[number];

export function rank(lane: WorkLane): number {
  return workLanes.indexOf(lane);
}

/** Than one; everything is more urgent than none. */
export function isMoreUrgent(lane: WorkLane, than: WorkLane | undefined): boolean {
  return than === undefined || rank(lane) < rank(than);
}

export function isLive(lane: WorkLane): boolean {
  return lane === "realtime" || lane === "window";
}

/** As others are told of it who want the accelerator too. */
export function toldLane(lane: WorkLane): Lane {
  return lane === "window" ? "realtime" : lane;
}
