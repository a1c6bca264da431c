/**
 * What the worker wants of the lanes at the moment, which is what pulling, accepting and acquiring go by.
 *
 *   alarm     nobody of this family has the lease: one job of each lane is pulled to notice that there is work
 *   work      the lease is held: lanes are kept filled, a tenure (tenure.ts) runs passes
 *   resting   the model could not be loaded, and the next try is not due: nothing is pulled, another worker may do it
 *   standby   another worker of this family has the lease: nothing is pulled, it serves the lanes
 *
 * Work is noticed by pulling it, because a pull is answered at once and no timer has to ask. Of several workers in alarm all but
 * one give back what they noticed it by; that is not held against a job (unfinished-runs.ts).
 */
import { type Family, type Lane, lanes } from "@parlance/contracts";
import type { Lease } from "@parlance/gpu-lease";
import type { LoadTrouble } from "../model/load-trouble.ts";
import type { LoadWishes } from "../model/load-wishes.ts";
import type { HeldJobs } from "./held-jobs.ts";

export type Mode = "work" | "alarm" | "resting" | "standby" | "closed";

export interface Demand {
  mode(): Mode;
  /** Jobs are taken. */
  readonly open: boolean;
  /** Something waits that only the lease's holder can do. */
  readonly pressing: boolean;
  /** How many more jobs of a lane are wanted. */
  room(lane: Lane): number;
  /** What another holder of the lease is told: the most urgent lane that has work, and since when the oldest of it waits. */
  urgency(): { lane: Lane; since: number };
}

export interface DemandOptions {
  family: Family;
  lease: Pick<Lease, "holder">;
  held: HeldJobs;
  wishes: LoadWishes;
  trouble: Pick<LoadTrouble, "restMs">;
  /** A tenure is going on. */
  isWorking(): boolean;
  maxBatchSize(): number;
  signal: AbortSignal;
}

export function createDemand(options: DemandOptions): Demand {
  const { family, lease, held, wishes, trouble, isWorking, maxBatchSize, signal } = options;

  function mode(): Mode {
    if (signal.aborted) return "closed";
    if (isWorking()) return "work";
    const holder = lease.holder();
    if (holder !== undefined && !holder.mine && holder.family === family) return "standby";
    return trouble.restMs > 0 && wishes.since === undefined ? "resting" : "alarm";
  }

  return {
    mode,
    get open() {
      return mode() === "work" || mode() === "alarm";
    },
    get pressing() {
      return held.waiting.length > 0 || wishes.since !== undefined;
    },
    room(lane) {
      const here = held.waitingIn(lane).length;
      switch (mode()) {
        case "work":
          return maxBatchSize() - here;
        case "alarm":
          return here === 0 ? 1 : 0;
        default:
          return 0;
      }
    },
    urgency() {
      const wished = wishes.since;
      const waits = (lane: Lane) => held.waitingIn(lane).length > 0 || (lane === "interactive" && wished !== undefined);
      const since = Math.min(Date.now(), wished ?? Date.now(), ...held.waiting.map(({ publishedAt }) => publishedAt));
      return { lane: lanes.find(waits) ?? "batch", since };
    },
  };
}
