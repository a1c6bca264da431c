/**
 * Runs that their workers did not survive: what MAX_DELIVERIES bounds. The server's own count of deliveries cannot tell, because
 * a job is also delivered again when it was given back: to another worker of the family that got the lease, by one that was
 * stopped, or because a bucket was full.
 *
 * So a worker that begins a job which was delivered before notes that at the server, and strikes the note out when the run has come
 * to any end. A note that is still there when the job comes again is that of a worker which did not live to strike it out, or lost
 * its lease meanwhile. A first delivery is not noted: work that goes well costs no write.
 */
import type { BatchNotebook } from "@parlance/bus";
import type { Log } from "@parlance/telemetry";
import type { Job } from "../lanes/job.ts";

export interface UnfinishedRuns {
  of(seq: number): Promise<number>;
  begun(jobs: readonly Job[]): void;
  /** Whatever came of the run, its worker is there to tell. */
  ended(jobs: readonly Job[]): void;
  /** Broken off by a stop from outside, which tells nothing of the job: it has the notes that it had. */
  stopped(jobs: readonly Job[]): void;
}

export interface UnfinishedRunsOptions {
  notes: BatchNotebook["unfinishedRuns"];
  track(work: Promise<unknown>): void;
  log: Log;
}

export function noteUnfinishedRuns({ notes, track, log }: UnfinishedRunsOptions): UnfinishedRuns {
  /** The last write of each job on its way: the next one waits for it. */
  const writing = new Map<number, Promise<void>>();
  /** Those that have a note of ours. A job that is given back and comes again is another one. */
  const noted = new WeakSet<Job>();

  function write(seq: number, runs: number): void {
    const before = writing.get(seq) ?? Promise.resolve();
    const work = before
      .then(() => notes.note(seq, runs))
      .catch((error) => log.warn({ err: error, seq }, "noting a run failed"))
      .finally(() => {
        if (writing.get(seq) === work) writing.delete(seq);
      });
    writing.set(seq, work);
    track(work);
  }

  function strikeOut(jobs: readonly Job[], left: (job: Job) => number): void {
    for (const job of jobs) if (noted.delete(job)) write(job.delivery.seq, left(job));
  }

  return {
    async of(seq) {
      try {
        return await notes.of(seq);
      } catch (error) {
        // Once too often is better than a job that is given up though nothing is known against it.
        log.warn({ err: error, seq }, "it cannot be read how often a job was tried; trying it");
        return 0;
      }
    },
    begun(jobs) {
      for (const job of jobs) {
        if (job.delivery.deliveries === 1 || noted.has(job)) continue;
        noted.add(job);
        write(job.delivery.seq, job.unfinishedRuns + 1);
      }
    },
    ended: (jobs) => strikeOut(jobs, () => 0),
    stopped: (jobs) => strikeOut(jobs, ({ unfinishedRuns }) => unfinishedRuns),
  };
}
