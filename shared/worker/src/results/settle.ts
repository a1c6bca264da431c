/**
 * The end of a job: its result is stored, and only then is its message acknowledged. The first result of a job is the one
 * that counts, for ever, so whoever runs a job a second time does no harm.
 *
 * The only job of a batch ends the batch: its result is stored as its item's done event, which says what a summary would. That is
 * then told as well, to whoever listens, and kept nowhere.
 */
import { type Bus, deadLetter, type Held, loneEnd } from "@parlance/bus";
import {
  type BatchRecord,
  batchOfOneSchema,
  endAlone,
  type Failure,
  headerNames,
  type ItemDone,
  itemDoneSchema,
  type JobAddress,
  parseJobSubject,
  type SegmentResult,
  SpeechError,
  streams,
  subjects,
  summaryOfOne,
  writeHeaders,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { Job } from "../lanes/job.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";

export interface Settlement {
  /** Stores the result and acknowledges. Resolves false when NATS did not take them in time: the job will come again. */
  result(job: Job, result: object): Promise<boolean>;
  failure(job: Job, failure: Failure, startedAt?: number): Promise<boolean>;
  /** A failed result, and the message itself aside in DEAD. */
  dead(delivery: Held, failure: Failure, job?: Job): Promise<boolean>;
  /** Acknowledges without a result: nobody wants one. The only job of its batch is the last that says what was asked: it ends the batch. */
  forget(delivery: Held): Promise<boolean>;
  /** Acknowledges a job that is done. */
  acknowledge(delivery: Held): Promise<boolean>;
  /** Whether the job has a result already: it was delivered again because its acknowledgement was lost. */
  isDone(job: Pick<Job, "address" | "headers">): Promise<boolean>;
}

export interface SettleOptions {
  bus: Bus;
  service: string;
  /** The worker's id. */
  worker: string;
  metrics?: Pick<WorkerMetrics, "itemDone"> | undefined;
  log: Log;
  signal: AbortSignal;
}

/** Longer than a server's restart; the jobs are kept from redelivery meanwhile. */
const STORE_TIMEOUT_MS = 120_000;

export function createSettlement({ bus, service, worker, metrics, log, signal }: SettleOptions): Settlement {
  async function attempt(what: string, fields: object, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error, ...fields }, `${what} failed; the job will be delivered again`);
      return false;
    }
  }

  async function publish(
    address: JobAddress,
    { deliveries }: Pick<Held, "deliveries">,
    { result, batch }: { result: object; batch: BatchRecord | undefined },
  ): Promise<void> {
    const { batchId, itemId, n } = address;
    const told = { ...result, worker, attempt: deliveries };
    const end = batch && endAlone({ batchId, itemId }, told, batch);
    const subject = end === undefined ? subjects.result(batchId, itemId, n) : subjects.done(batchId, itemId);
    const receipt = await bus.publishOnce(subject, end?.payload ?? JSON.stringify(told), {
      first: true,
      timeoutMs: STORE_TIMEOUT_MS,
      signal,
      headers: end?.headers ?? writeHeaders({ batch }),
    });
    if (receipt.duplicate) log.info({ batchId, itemId, n }, "the job had a result already");
    if (end === undefined || batch === undefined) return;
    if (receipt.duplicate) await tellStored(batchId);
    else {
      metrics?.itemDone(end.done.status);
      tellSummary(batch, end.done);
    }
  }

  /** Whoever misses it asks for the status. */
  function tellSummary(batch: BatchRecord, done: Pick<ItemDone, "status" | "finishedAt">): void {
    bus.publish(subjects.toldSummary(batch.batchId), JSON.stringify(summaryOfOne(batch, done)));
  }

  /** By the end that is stored, which may be another's. One that is not the batch's only message is told of by others. */
  async function tellStored(batchId: string): Promise<void> {
    const end = await loneEnd(bus, batchId);
    if (end === undefined) return;
    tellSummary(end.record, itemDoneSchema.parse(JSON.parse(Buffer.from(end.event.data).toString())));
  }

  async function endCancelled(delivery: Held): Promise<void> {
    const address = parseJobSubject(delivery.subject);
    const batch = batchOf(delivery);
    if (address === undefined || batch === undefined) return;
    const customId = batch.items[0]?.customId;
    const cancelled = failed(delivery, new SpeechError("cancelled").toFailure(), undefined);
    const result = { ...cancelled, customId, submittedAt: batch.acceptedAt };
    await publish(address, delivery, { result, batch });
  }

  async function isThere(subject: string): Promise<boolean> {
    return (await bus.last(streams.results, subject)) !== undefined;
  }

  function failed(delivery: Held, failure: Failure, job: Job | undefined, startedAt?: number): SegmentResult {
    return {
      operation: (job?.address ?? parseJobSubject(delivery.subject))?.operation ?? "transcribe",
      outcome: "failed",
      error: failure,
      // A failed segment concludes its item, so what is not known of an unreadable job is of no consequence.
      last: job?.headers.last ?? true,
      customId: job?.headers.customId,
      submittedAt: job?.headers.submittedAt ?? delivery.time,
      timestamps: job?.headers.timestamps ?? false,
      ...(job === undefined || job.headers.warnings.length === 0 ? {} : { warnings: job.headers.warnings }),
      startedAt,
      finishedAt: Date.now(),
    };
  }

  return {
    result: (job, result) =>
      attempt("storing a result", { subject: job.delivery.subject }, async () => {
        await publish(job.address, job.delivery, { result, batch: job.headers.batch });
        await job.delivery.ack();
      }),
    failure: (job, failure, startedAt) =>
      attempt("storing a failure", { subject: job.delivery.subject }, async () => {
        const result = failed(job.delivery, failure, job, startedAt);
        await publish(job.address, job.delivery, { result, batch: job.headers.batch });
        await job.delivery.ack();
      }),
    async dead(delivery, failure, job) {
      const isAside = await attempt("putting a dead letter aside", { subject: delivery.subject }, async () => {
        const address = parseJobSubject(delivery.subject);
        log.error({ subject: delivery.subject, ...failure, deliveries: delivery.deliveries }, "dead letter");
        const result = failed(delivery, failure, job);
        if (address !== undefined) await publish(address, delivery, { result, batch: batchOf(delivery) });
        const reason = `${failure.code}: ${failure.message}`;
        await deadLetter(bus, delivery, { service, reason, address: address ?? {} });
      });
      if (!isAside) delivery.letGo();
      return isAside;
    },
    forget: (delivery) =>
      attempt("giving up a job", { subject: delivery.subject }, async () => {
        await endCancelled(delivery);
        await delivery.ack();
      }),
    acknowledge: (delivery) => attempt("acknowledging", { subject: delivery.subject }, () => delivery.ack()),
    async isDone({ address: { batchId, itemId, n }, headers }) {
      try {
        if (headers.batch === undefined) return await isThere(subjects.result(batchId, itemId, n));
        if (!(await isThere(subjects.done(batchId, itemId)))) return false;
        await tellStored(batchId);
        return true;
      } catch (error) {
        log.debug({ err: error, batchId, itemId, n }, "whether a job is done cannot be asked: it is run again");
        return false;
      }
    },
  };
}

/** Whatever else its headers say, or fail to say. */
function batchOf({ headers }: Pick<Held, "headers">): BatchRecord | undefined {
  const batch = headers.has(headerNames.batch) ? headers.get(headerNames.batch) : undefined;
  return batchOfOneSchema.safeParse({ batch }).data?.batch;
}
