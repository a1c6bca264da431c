/** What an earlier delivery of an intake message has already published: so that a restart repeats nothing. */
import type { Bus } from "@parlance/bus";
import {
  jobHeadersSchema,
  parseJobSubject,
  parseResultSubject,
  readHeaders,
  segmentResultSchema,
  streams,
  subjects,
} from "@parlance/contracts";

export interface AlreadyQueued {
  /** Whether this job is in the stream. */
  has(jobSubject: string): boolean;
  /** Whether everything of the item is published: its last job, or its failure. */
  isComplete(itemId: string): Promise<boolean>;
}

export const nothingQueued: AlreadyQueued = { has: () => false, isComplete: async () => false };

export async function readAlreadyQueued(bus: Bus, batchId: string): Promise<AlreadyQueued> {
  const [jobs, results] = await Promise.all([
    bus.countSubjects(streams.jobs, subjects.batchJobs(batchId)),
    bus.countSubjects(streams.results, `speech.result.${batchId}.>`),
  ]);
  const newestJob = new Map<string, { subject: string; n: number }>();
  for (const subject of jobs.keys()) {
    const job = parseJobSubject(subject);
    if (job !== undefined && job.n >= (newestJob.get(job.itemId)?.n ?? 0))
      newestJob.set(job.itemId, { subject, n: job.n });
  }
  const newestResult = new Map<string, number>();
  for (const subject of results.keys()) {
    const result = parseResultSubject(subject);
    if (result !== undefined) newestResult.set(result.itemId, Math.max(result.n, newestResult.get(result.itemId) ?? 0));
  }
  return {
    has: (jobSubject) => jobs.has(jobSubject),
    async isComplete(itemId) {
      const job = newestJob.get(itemId);
      const result = newestResult.get(itemId);
      // A result beyond every job is the failure that ingest itself published, or its job has been purged.
      if (result !== undefined && result > (job?.n ?? -1)) {
        const message = await bus.last(streams.results, subjects.result(batchId, itemId, result));
        if (message === undefined) return false;
        const { outcome, last } = segmentResultSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
        return outcome === "failed" || last;
      }
      if (job === undefined) return false;
      const message = await bus.last(streams.jobs, job.subject);
      return message !== undefined && readHeaders(jobHeadersSchema, message.headers).last;
    },
  };
}
