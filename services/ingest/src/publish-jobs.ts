/**
 * Segments to jobs. A job is published once, because its subject takes one message: so another delivery of the same intake message,
 * or another instance, adds nothing. When the queue is full, publishing waits: nothing that was accepted is lost.
 *
 * Jobs of the urgent lanes are held until the batch is decoded and then published back to back, saying how many they
 * are, so that a worker can take them in one pass. More than a pass holds are not held: they go out as they are cut.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Segment } from "@parlance/audio";
import type { Bus, HeaderPairs } from "@parlance/bus";
import {
  type BatchRecord,
  type HeaderField,
  type SegmentResult,
  SpeechError,
  subjects,
  writeHeaders,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { AlreadyQueued } from "./already-queued.ts";
import type { IntakeItem } from "./read-intake.ts";

export interface JobPublisher {
  segment(item: IntakeItem, segment: Segment): Promise<void>;
  /** Publishes the jobs that were held. */
  flush(): Promise<void>;
  /** Concludes an item that has failed: segment `n` of it is the failure. */
  failure(item: IntakeItem, n: number, error: SpeechError): Promise<void>;
}

export interface JobPublisherOptions {
  bus: Bus;
  record: BatchRecord;
  queued: AlreadyQueued;
  log: Log;
  now: () => number;
  signal: AbortSignal;
}

interface HeldJob {
  item: IntakeItem;
  segment: Segment;
}

/** Most segments in one pass. */
const MOST_TOGETHER = 32;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export function createJobPublisher({ bus, record, queued, log, now, signal }: JobPublisherOptions): JobPublisher {
  const { batchId, lane, acceptedAt } = record;
  let held: HeldJob[] | undefined = lane === "batch" ? undefined : [];

  async function publish({ item, segment }: HeldJob, together: number): Promise<void> {
    const { n, start, samples, length, last } = segment;
    const subject = subjects.job(item.operation, lane, batchId, item.itemId, n);
    if (queued.has(subject)) return;
    const fields: Partial<Record<HeaderField, unknown>> = {
      customId: item.customId,
      ...item.wishes,
      submittedAt: acceptedAt,
      start,
      samples: length === samples.length ? undefined : length,
      last,
      together: together > 1 ? together : undefined,
    };
    const payload = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    await patiently(subject, payload, {
      headers: writeHeaders(fields),
      messageId: `${batchId}.${item.itemId}.${n}`,
      first: true,
    });
  }

  async function patiently(
    subject: string,
    payload: Uint8Array | string,
    options: { headers?: HeaderPairs; messageId?: string; first?: boolean },
  ): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      signal.throwIfAborted();
      try {
        await bus.publishOnce(subject, payload, { ...options, signal });
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof SpeechError) || !error.retryable) throw error;
        if (tries === 0) log.warn({ subject, code: error.code }, "a job cannot be stored; waiting");
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS), undefined, { signal }).catch(
          () => undefined,
        );
      }
    }
  }

  async function flush(): Promise<void> {
    const jobs = held ?? [];
    held = undefined;
    await Promise.all(jobs.map((job) => publish(job, jobs.length)));
  }

  return {
    flush,
    async segment(item, segment) {
      if (held === undefined) {
        await publish({ item, segment }, 1);
        return;
      }
      held.push({ item, segment });
      if (held.length >= MOST_TOGETHER) await flush();
    },
    async failure(item, n, error) {
      const result: SegmentResult = {
        operation: item.operation,
        outcome: "failed",
        error: error.toFailure(),
        last: true,
        ...(item.customId === undefined ? {} : { customId: item.customId }),
        submittedAt: acceptedAt,
        timestamps: item.wishes.timestamps,
        finishedAt: now(),
      };
      const subject = subjects.result(batchId, item.itemId, n);
      await patiently(subject, JSON.stringify(result), {
        first: true,
        messageId: `${batchId}.${item.itemId}.${n}.failed`,
      });
    },
  };
}
