/** What becomes of a delivery: taken as a job, given back, or settled at once because there is nothing to run. */
import type { Held } from "@parlance/bus";
import { type Lane, type Operation, parseJobSubject, SpeechError, toSpeechError } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import { SUSPECTED } from "../blame/blame.ts";
import type { UnfinishedRuns } from "../blame/unfinished-runs.ts";
import type { Settlement } from "../results/settle.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import { type FetchPayload, type Job, readJob, type ToEngineJob } from "./job.ts";

export interface AdmissionOptions {
  settlement: Settlement;
  toJob: ToEngineJob;
  fetchPayload: FetchPayload | undefined;
  unfinished: Pick<UnfinishedRuns, "of">;
  /** So many noted runs that came to no end are enough. */
  maxDeliveries: number;
  /** Whether this worker takes jobs at the moment. */
  isOpen(): boolean;
  isCancelled(batchId: string): boolean;
  onJob(job: Job): void;
  /** One fewer is underway. */
  onRoom(): void;
  track(work: Promise<unknown>): void;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
}

export interface Admission {
  accept(delivery: Held): void;
  /** Jobs that came and are not among the others yet, because something of them is still read: they take room as those do. */
  underway(lane: Lane, operation: Operation): number;
}

/** How long a job is given back for whose payload cannot be fetched at the moment. */
const GIVEN_BACK_FOR_MS = 5_000;

export function createAdmission(options: AdmissionOptions): Admission {
  const { settlement, toJob, fetchPayload, unfinished, maxDeliveries, isOpen, isCancelled, onJob, onRoom } = options;
  const { track, metrics, clock } = options;
  const underway = new Set<Job>();

  /** The work on a job that is not taken at once. */
  function apart(job: Job, work: Promise<void>): void {
    underway.add(job);
    const over = () => {
      underway.delete(job);
      onRoom();
    };
    track(work.finally(over));
  }

  function take(job: Job): void {
    if (isCancelled(job.batchId)) forget(job.delivery);
    else if (isOpen()) onJob(job);
    else job.delivery.nak(0);
  }

  /** Whole before it waits among the others. Undefined where that is so at once. */
  function admit(job: Job): Promise<void> | undefined {
    const payload = fetchPayload?.(job);
    if (payload !== undefined) return takeWhole(job, payload);
    take(job);
    return undefined;
  }

  async function takeWhole(job: Job, fetching: Promise<Uint8Array>): Promise<void> {
    try {
      const payload = await fetching;
      take({ ...job, engineJob: { ...job.engineJob, payload } });
    } catch (error) {
      const known = toSpeechError(error);
      if (known.retryable && known.code !== "internal") {
        job.delivery.nak(GIVEN_BACK_FOR_MS);
        return;
      }
      metrics?.segments("failed");
      if (!(await settlement.failure(job, known.toFailure()))) job.delivery.letGo();
    }
  }

  /** Nobody wants a result. */
  function forget(delivery: Held): void {
    metrics?.segments("cancelled");
    track(settlement.forget(delivery));
  }

  /** It was delivered before: it may have its result already, or be what no worker survives. */
  async function takeAgain(job: Job): Promise<void> {
    if (await settlement.isDone(job)) {
      await settlement.acknowledge(job.delivery);
      return;
    }
    job.unfinishedRuns = await unfinished.of(job.delivery.seq);
    if (job.unfinishedRuns >= maxDeliveries) {
      metrics?.segments("dead");
      const message = `The job was tried ${maxDeliveries} times without coming to an end.`;
      await settlement.dead(job.delivery, new SpeechError("engine_failed", message).toFailure(), job);
      return;
    }
    if (job.unfinishedRuns > 0) job.suspicion = SUSPECTED;
    await admit(job);
  }

  function accept(delivery: Held): void {
    if (!isOpen()) {
      delivery.nak(0);
      return;
    }
    const address = parseJobSubject(delivery.subject);
    if (address !== undefined && isCancelled(address.batchId)) {
      forget(delivery);
      return;
    }
    try {
      const job = readJob(delivery, toJob, clock.now());
      const work = delivery.deliveries === 1 ? admit(job) : takeAgain(job);
      if (work !== undefined) apart(job, work);
    } catch (error) {
      metrics?.segments("dead");
      track(settlement.dead(delivery, toSpeechError(error).toFailure()));
    }
  }

  return {
    accept,
    underway: (lane, operation) =>
      [...underway].filter((job) => job.lane === lane && job.address.operation === operation).length,
  };
}
