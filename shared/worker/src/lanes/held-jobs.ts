/**
 * Every job that this worker has and has not settled, by the number that the tenure knows it by. The server is kept informed of
 * all of them by the consumer that took them (the bus's `hold.ts`).
 */
import type { TenureJob } from "../tenure/tenure-state.ts";
import type { Job } from "./job.ts";

export interface HeldJobs {
  add(job: Job): void;
  find(id: number): Job | undefined;
  /** No longer held. */
  drop(job: Job): void;
  /** To the server, for whoever takes it next. */
  giveBack(job: Job): void;
}

export function createHeldJobs(): HeldJobs {
  const held = new Map<number, Job>();
  const forget = (job: Job) => {
    if (held.get(idOf(job)) === job) held.delete(idOf(job));
  };
  return {
    add: (job) => void held.set(idOf(job), job),
    find: (id) => held.get(id),
    drop(job) {
      forget(job);
      job.delivery.letGo();
    },
    giveBack(job) {
      forget(job);
      job.delivery.nak(0);
    },
  };
}

/** What of a job is decided by. */
export function forTenure(job: Job): TenureJob {
  const { lane, batchId, together, bytes, suspicion, arrivedAt, publishedAt } = job;
  return { id: idOf(job), lane, batchId, together, bytes, suspicion, arrivedAt, publishedAt };
}

function idOf({ delivery }: Job): number {
  return delivery.seq;
}
