/**
 * Whether the queue can take more. Asked by every submission, so the answer is kept for a second, and while it is asked
 * anew the old one serves: a queue does not fill in a moment, and JOBS and INTAKE refuse by themselves when they are full.
 */
import { type Bus, OUTCOMES_FULL_SHARE, outcomesShare } from "@parlance/bus";
import { durables, lanes, operations, SpeechError, streams } from "@parlance/contracts";

const FRESH_MS = 1_000;
const STALE_MS = 10_000;
/** Beyond this share JOBS could refuse what ingest makes of an accepted submission. */
const FULL_SHARE = 0.95;
const RETRY_SECONDS = 5;

export interface QueueGauge {
  /** Jobs that no worker has taken yet. */
  waiting(): Promise<number>;
  /** Throws `queue_full`. */
  refuseWhenFull(): Promise<void>;
  /** A sentence when no more is taken in, however long the queue is. */
  fullProblem(): Promise<string | undefined>;
}

interface Reading {
  waiting: number;
  share: number;
  outcomes: number;
  at: number;
}

export function createQueueGauge(options: { bus: Bus; maxQueuedJobs: number; onRefusal: () => void }): QueueGauge {
  const { bus, maxQueuedJobs, onRefusal } = options;
  let newest: Reading | undefined;
  let reading: Promise<Reading> | undefined;

  async function read(): Promise<Reading> {
    const [jobs, outcomes, ...consumers] = await Promise.all([
      bus.streamState(streams.jobs),
      outcomesShare(bus),
      ...operations.flatMap((operation) =>
        lanes.map((lane) => bus.consumerState(streams.jobs, durables.worker(operation, lane))),
      ),
    ]);
    newest = {
      waiting: consumers.reduce((sum, consumer) => sum + consumer.pending, 0),
      share: jobs.maxBytes > 0 ? jobs.bytes / jobs.maxBytes : 0,
      outcomes,
      at: performance.now(),
    };
    return newest;
  }

  function refresh(): Promise<Reading> {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    reading.catch(() => undefined);
    return reading;
  }

  async function current(): Promise<Reading> {
    const age = newest === undefined ? Number.POSITIVE_INFINITY : performance.now() - newest.at;
    if (newest !== undefined && age < FRESH_MS) return newest;
    const fresh = refresh();
    return newest !== undefined && age < STALE_MS ? newest : fresh;
  }

  function fullStream({ share, outcomes }: Reading): string | undefined {
    if (outcomes >= OUTCOMES_FULL_SHARE) return "There is no room for more results.";
    return share >= FULL_SHARE ? "The job stream is full." : undefined;
  }

  return {
    waiting: async () => (await current()).waiting,
    fullProblem: async () => fullStream(await current()),
    async refuseWhenFull() {
      const reading = await current();
      const { waiting } = reading;
      const why = waiting >= maxQueuedJobs ? `${waiting} jobs are waiting.` : fullStream(reading);
      if (why === undefined) return;
      onRefusal();
      throw new SpeechError("queue_full", `${why} Try again later.`, { retryAfterSeconds: RETRY_SECONDS });
    },
  };
}
