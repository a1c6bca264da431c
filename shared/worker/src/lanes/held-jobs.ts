/**
 * Every job that this worker has and has not settled, and those of them that wait for a pass.
 *
 * While a job is held, the server hears every third of its ack timer that it is being worked on. A job that the server
 * has not heard of for a whole timer (this process was stopped) is somebody else's by now: it is let go without a word.
 */

import type { Lane } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { Job } from "./job.ts";

export interface HeldJobs {
  /** Oldest first. */
  readonly waiting: readonly Job[];
  readonly size: number;
  /** The same message that is held already: it was delivered again. */
  find(seq: number): Job | undefined;
  add(job: Job): void;
  /** Puts jobs back among the waiting ones, at their age. */
  putBack(jobs: readonly Job[]): void;
  /** Takes jobs out of the waiting ones; they stay held. */
  take(jobs: readonly Job[]): void;
  /** No longer held. */
  drop(job: Job): void;
  waitingIn(lane: Lane): Job[];
  /** Gives everything that waits back to the server. */
  giveBack(): void;
  close(): void;
}

/** @param ackWaitMs the server delivers a job again when it has not heard of it for so long */
export function createHeldJobs(clock: Clock, ackWaitMs: number): HeldJobs {
  const held = new Map<number, Job>();
  let waiting: Job[] = [];
  let cancel: (() => void) | undefined;

  function tellWorking(): void {
    cancel = undefined;
    const now = clock.now();
    for (const job of held.values()) {
      if (isOurs(job, now)) {
        job.delivery.working();
        job.touchedAt = now;
      } else if (waiting.includes(job)) drop(job);
    }
    schedule();
  }

  function isOurs(job: Job, now: number): boolean {
    return now - job.touchedAt < ackWaitMs;
  }

  /** No timer ticks while nothing is held: an idle worker does nothing. */
  function schedule(): void {
    if (held.size > 0) cancel ??= clock.schedule(clock.now() + ackWaitMs / 3, tellWorking);
  }

  function drop(job: Job): void {
    held.delete(job.delivery.seq);
    waiting = waiting.filter((other) => other !== job);
  }

  return {
    get waiting() {
      return waiting;
    },
    get size() {
      return held.size;
    },
    find: (seq) => held.get(seq),
    add(job) {
      held.set(job.delivery.seq, job);
      waiting.push(job);
      schedule();
    },
    putBack(jobs) {
      waiting = [...waiting, ...jobs].sort((a, b) => a.arrivedAt - b.arrivedAt);
    },
    take(jobs) {
      waiting = waiting.filter((job) => !jobs.includes(job));
    },
    drop,
    waitingIn: (lane) => waiting.filter((job) => job.lane === lane),
    giveBack() {
      const now = clock.now();
      for (const job of waiting) {
        if (isOurs(job, now)) job.delivery.nak(0);
        held.delete(job.delivery.seq);
      }
      waiting = [];
    },
    close() {
      cancel?.();
      held.clear();
      waiting = [];
    },
  };
}
