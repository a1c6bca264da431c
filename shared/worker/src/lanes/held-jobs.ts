/**
 * Every job and window that this worker has and has not settled, by the number that the tenure knows it by. The server is kept
 * informed of all of them by the consumer that took them (the bus's `hold.ts`).
 */
import type { TenureJob } from "../tenure/tenure-state.ts";
import type { Job } from "./job.ts";
import type { LiveWindow } from "./window.ts";

export type Work = Job | LiveWindow;

export interface HeldJobs {
  add(work: Work): void;
  find(id: number): Work | undefined;
  /** No longer held. */
  drop(work: Work): void;
  /** To the server, for whoever takes it next. */
  giveBack(work: Work): void;
}

export function createHeldJobs(): HeldJobs {
  const held = new Map<number, Work>();
  const forget = (work: Work) => {
    if (held.get(idOf(work)) === work) held.delete(idOf(work));
  };
  return {
    add: (work) => void held.set(idOf(work), work),
    find: (id) => held.get(id),
    drop(work) {
      forget(work);
      work.delivery.letGo();
    },
    giveBack(work) {
      forget(work);
      work.delivery.nak(0);
    },
  };
}

/**
 * What is decided by.
 *
 * @param model whose it is of the worker's models
 */
export function forTenure(work: Work, model: number): TenureJob {
  const { lane, batchId, together, bytes, suspicion, arrivedAt, publishedAt } = work;
  const expiresAt = work.kind === "window" ? work.expiresAt : undefined;
  return { id: idOf(work), model, lane, batchId, together, bytes, suspicion, arrivedAt, publishedAt, expiresAt };
}

/** Windows are of another stream, which counts for itself. */
export function idOf({ kind, delivery }: Pick<Work, "kind" | "delivery">): number {
  return kind === "window" ? -delivery.seq : delivery.seq;
}
