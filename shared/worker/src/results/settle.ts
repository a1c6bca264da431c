/**
 * The end of a job: its result is stored, and only then is its message acknowledged. The first result of a job is the one
 * that counts, for ever, so whoever runs a job a second time does no harm.
 */
import { type Bus, deadLetter, type Held } from "@parlance/bus";
import {
  type Failure,
  type JobAddress,
  parseJobSubject,
  type SegmentResult,
  streams,
  subjects,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { Job } from "../lanes/job.ts";

export interface Settlement {
  /** Stores the result and acknowledges. Resolves false when NATS did not take them in time: the job will come again. */
  result(job: Job, result: object): Promise<boolean>;
  failure(job: Job, failure: Failure, startedAt?: number): Promise<boolean>;
  /** A failed result, and the message itself aside in DEAD. */
  dead(delivery: Held, failure: Failure, job?: Job): Promise<boolean>;
  /** Acknowledges without a result: nobody wants one. */
  forget(delivery: Held): Promise<boolean>;
  /** Whether the job has a result already: it was delivered again because its acknowledgement was lost. */
  isDone(address: JobAddress): Promise<boolean>;
}

export interface SettleOptions {
  bus: Bus;
  service: string;
  /** The worker's id. */
  worker: string;
  log: Log;
  signal: AbortSignal;
}

/** Longer than a server's restart; the jobs are kept from redelivery meanwhile. */
const STORE_TIMEOUT_MS = 120_000;

export function createSettlement({ bus, service, worker, log, signal }: SettleOptions): Settlement {
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
    { batchId, itemId, n }: JobAddress,
    { deliveries }: Pick<Held, "deliveries">,
    result: object,
  ): Promise<void> {
    const subject = subjects.result(batchId, itemId, n);
    const receipt = await bus.publishOnce(subject, JSON.stringify({ ...result, worker, attempt: deliveries }), {
      first: true,
      timeoutMs: STORE_TIMEOUT_MS,
      signal,
    });
    if (receipt.duplicate) log.info({ batchId, itemId, n }, "the job had a result already");
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
        await publish(job.address, job.delivery, result);
        await job.delivery.ack();
      }),
    failure: (job, failure, startedAt) =>
      attempt("storing a failure", { subject: job.delivery.subject }, async () => {
        await publish(job.address, job.delivery, failed(job.delivery, failure, job, startedAt));
        await job.delivery.ack();
      }),
    async dead(delivery, failure, job) {
      const isAside = await attempt("putting a dead letter aside", { subject: delivery.subject }, async () => {
        const address = parseJobSubject(delivery.subject);
        log.error({ subject: delivery.subject, ...failure, deliveries: delivery.deliveries }, "dead letter");
        if (address !== undefined) await publish(address, delivery, failed(delivery, failure, job));
        const reason = `${failure.code}: ${failure.message}`;
        await deadLetter(bus, delivery, { service, reason, address: address ?? {} });
      });
      if (!isAside) delivery.letGo();
      return isAside;
    },
    forget: (delivery) => attempt("acknowledging", { subject: delivery.subject }, () => delivery.ack()),
    async isDone({ batchId, itemId, n }) {
      const found = await bus.last(streams.results, subjects.result(batchId, itemId, n)).catch(() => undefined);
      return found !== undefined;
    },
  };
}
