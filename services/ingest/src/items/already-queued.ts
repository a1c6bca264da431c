/** What an earlier delivery of an intake message has already published: so that a restart repeats nothing and fits to what is there. */
import type { SegmentLimits } from "@parlance/audio";
import type { Bus, StoredMessage } from "@parlance/bus";
import {
  BYTES_PER_SAMPLE,
  type JobHeaders,
  jobHeadersSchema,
  parseJobSubject,
  parseResultSubject,
  readHeaders,
  SAMPLE_RATE,
  type SegmentResult,
  segmentResultSchema,
  streams,
  subjects,
} from "@parlance/contracts";
import type { TextPiece } from "@parlance/tts/text";
import { type BegunCut, boundariesOf } from "./begun-item.ts";

export interface AlreadyQueued {
  /** Whether this job is in the stream, or was and has its result. */
  has(jobSubject: string): boolean;
  /** The number behind all that is published of the item: a failure that took one before it would tell nobody. */
  next(itemId: string): number;
  /** Whether everything of the item is published: its last job, or its failure, or its end. */
  isComplete(itemId: string): Promise<boolean>;
  /** How the item's audio was cut so far; undefined when nothing of it is published. */
  cutOf(itemId: string): Promise<BegunCut | undefined>;
  /** The pieces of the item's text that are published, from the first one on without a gap. */
  piecesOf(itemId: string): Promise<TextPiece[]>;
}

export const nothingQueued: AlreadyQueued = {
  has: () => false,
  next: () => 0,
  isComplete: async () => false,
  cutOf: async () => undefined,
  piecesOf: async () => [],
};

interface Span {
  start: number;
  end: number;
  limits?: SegmentLimits | undefined;
}

interface Published {
  /** Segment number → its job's subject. */
  jobs: Map<number, string>;
  results: Set<number>;
}

export async function readAlreadyQueued(bus: Bus, batchId: string): Promise<AlreadyQueued> {
  const [jobs, results, ends] = await Promise.all([
    bus.countSubjects(streams.jobs, subjects.batchJobs(batchId)),
    bus.countSubjects(streams.results, `speech.result.${batchId}.>`),
    bus.countSubjects(streams.results, subjects.batchDone(batchId)),
  ]);
  const items = new Map<string, Published>();
  const of = (itemId: string): Published => {
    const item = items.get(itemId) ?? { jobs: new Map(), results: new Set() };
    items.set(itemId, item);
    return item;
  };
  for (const subject of jobs.keys()) {
    const job = parseJobSubject(subject);
    if (job !== undefined) of(job.itemId).jobs.set(job.n, subject);
  }
  for (const subject of results.keys()) {
    const result = parseResultSubject(subject);
    if (result !== undefined) of(result.itemId).results.add(result.n);
  }
  const newest = (numbers: Iterable<number>) => Math.max(-1, ...numbers);
  const newestOf = ({ jobs, results }: Published) => Math.max(newest(jobs.keys()), newest(results));

  async function resultOf(itemId: string, n: number): Promise<SegmentResult | undefined> {
    const message = await bus.last(streams.results, subjects.result(batchId, itemId, n));
    return message && segmentResultSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
  }

  async function jobOf(
    itemId: string,
    n: number,
  ): Promise<{ message: StoredMessage; headers: JobHeaders } | undefined> {
    const subject = of(itemId).jobs.get(n);
    const message = subject === undefined ? undefined : await bus.last(streams.jobs, subject);
    return message && { message, headers: readHeaders(jobHeadersSchema, message.headers) };
  }

  /** What of the item's audio a published segment is, in samples; undefined where the stream does not tell. */
  async function spanOf(itemId: string, n: number): Promise<Span | undefined> {
    const job = await jobOf(itemId, n);
    if (job !== undefined) {
      const { start, samples = job.message.data.length / BYTES_PER_SAMPLE } = job.headers;
      const { segmentSeconds, firstSegmentSeconds } = job.headers;
      const limits = segmentSeconds === undefined ? undefined : { segmentSeconds, firstSegmentSeconds };
      return { start, end: start + samples, limits };
    }
    const result = await resultOf(itemId, n);
    if (result?.outcome !== "ok") return undefined;
    const [start, end] = [result.start, result.start + result.duration].map((at) => Math.round(at * SAMPLE_RATE));
    return { start: start ?? 0, end: end ?? 0 };
  }

  return {
    has(jobSubject) {
      const job = parseJobSubject(jobSubject);
      return jobs.has(jobSubject) || (job !== undefined && items.get(job.itemId)?.results.has(job.n) === true);
    },
    next: (itemId) => newestOf(of(itemId)) + 1,
    async isComplete(itemId) {
      if (ends.has(subjects.done(batchId, itemId))) return true;
      const item = of(itemId);
      const [job, result] = [newest(item.jobs.keys()), newest(item.results)];
      // A result beyond every job is the failure that ingest itself published, or its job has been purged.
      if (result > job) {
        const found = await resultOf(itemId, result);
        return found !== undefined && (found.outcome === "failed" || found.last);
      }
      return (await jobOf(itemId, job))?.headers.last === true;
    },
    async cutOf(itemId) {
      const item = of(itemId);
      const { jobs, results } = item;
      const last = newestOf(item);
      const newestSpan = last < 0 ? undefined : await spanOf(itemId, last);
      if (newestSpan === undefined) return undefined;
      // What is published is not published again, wherever it begins; what is missing lies between its neighbours.
      const starts = new Map<number, number>();
      for (let n = 0; n < last; n += 1) {
        if (jobs.has(n) || results.has(n)) continue;
        const [before, after] = [await spanOf(itemId, n - 1), await spanOf(itemId, n + 1)];
        if (before !== undefined) starts.set(n, before.end);
        if (after !== undefined) starts.set(n + 1, after.start);
      }
      return { limits: newestSpan.limits, boundaries: boundariesOf(starts, last + 1, newestSpan.end) };
    },
    async piecesOf(itemId) {
      const pieces: TextPiece[] = [];
      for (;;) {
        const job = await jobOf(itemId, pieces.length);
        if (job === undefined) return pieces;
        const { data } = job.message;
        pieces.push({ text: Buffer.from(data).toString(), pauseMs: job.headers.pauseMs });
      }
    },
  };
}
