/**
 * Every job that this worker has and has not settled, and those of them that wait for a pass. The server is kept informed of all of
 * them by the consumer that took them (the bus's `hold.ts`); one that lapsed while it waited is somebody else's.
 */
import type { Held } from "@parlance/bus";
import type { Lane } from "@parlance/contracts";
import type { Job } from "./job.ts";

export interface HeldJobs {
  /** Oldest first. */
  readonly waiting: readonly Job[];
  add(job: Job): void;
  /** Puts jobs back among the waiting ones, at their age. */
  putBack(jobs: readonly Job[]): void;
  /** Takes jobs out of the waiting ones; they stay held. */
  take(jobs: readonly Job[]): void;
  /** No longer held. */
  drop(job: Job): void;
  /** The server has not heard of it for a whole ack timer. */
  lapsed(delivery: Held): void;
  waitingIn(lane: Lane): Job[];
  /** Gives everything that waits back to the server. */
  giveBack(): void;
}

export function createHeldJobs(): HeldJobs {
  let waiting: Job[] = [];

  function drop(job: Job): void {
    waiting = waiting.filter((other) => other !== job);
    job.delivery.letGo();
  }

  return {
    get waiting() {
      return waiting;
    },
    add(job) {
      waiting.push(job);
    },
    putBack(jobs) {
      waiting = [...waiting, ...jobs].sort((a, b) => a.arrivedAt - b.arrivedAt);
    },
    take(jobs) {
      waiting = waiting.filter((job) => !jobs.includes(job));
    },
    drop,
    lapsed(delivery) {
      const job = waiting.find((each) => each.delivery === delivery);
      if (job !== undefined) drop(job);
    },
    waitingIn: (lane) => waiting.filter((job) => job.lane === lane),
    giveBack() {
      for (const { delivery } of waiting) delivery.nak(0);
      waiting = [];
    },
  };
}
