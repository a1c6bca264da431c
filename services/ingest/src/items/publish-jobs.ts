/**
 * Segments of audio and of text to jobs. A job is published once, because its subject takes one message: so another delivery of the same intake message,
 * or another instance, adds nothing. When the queue is full, publishing waits: nothing that was accepted is lost.
 *
 * Jobs of the urgent lanes are held until the batch is decoded and then published back to back, saying how many they
 * are, so that a worker can take them in one pass. More than a pass holds are not held: they go out as they are cut. Nor are those of
 * an item whose text is read as it comes, or the first sentence of a text: who waits has it while the rest is still to be done.
 */
import type { Segment, SegmentLimits } from "@parlance/audio";
import type { Bus, PublishOnceOptions, PublishReceipt } from "@parlance/bus";
import {
  type BatchRecord,
  type HeaderField,
  jobHeadersSchema,
  oneLine,
  readHeaders,
  type SegmentResult,
  SpeechError,
  seedOf,
  streams,
  subjects,
  writeHeaders,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { IntakeItem, TranscriptionWishes } from "../intake/intake-batch.ts";
import type { SpeechWish } from "../intake/read-speech.ts";
import type { Reference } from "../references/reference.ts";
import type { AlreadyQueued } from "./already-queued.ts";
import type { RecordKeeper } from "./keep-record.ts";
import { publishPatiently } from "./publish-patiently.ts";

export interface JobPublisher {
  /** `limits`: near which lengths the item is cut. */
  segment(item: IntakeItem, segment: Segment, limits: SegmentLimits): Promise<void>;
  text(item: IntakeItem, wish: SpeechWish, segment: TextSegment): Promise<void>;
  /** Publishes the jobs that were held. */
  flush(): Promise<void>;
  /** Concludes an item that has failed: segment `n` of it is the failure. */
  failure(item: IntakeItem, n: number, error: SpeechError): Promise<void>;
}

export interface TextSegment {
  n: number;
  text: string;
  /** Silence after it. */
  pauseMs: number;
  last: boolean;
  /** What its voice is to imitate. */
  reference: Reference | undefined;
  /** By its English name; `auto`: the model tells. */
  language: string;
}

export interface JobPublisherOptions {
  bus: Bus;
  record: BatchRecord;
  keeper: RecordKeeper;
  queued: AlreadyQueued;
  log: Log;
  now: () => number;
  signal: AbortSignal;
}

interface HeldJob {
  item: IntakeItem;
  n: number;
  fields: Partial<Record<HeaderField, unknown>>;
  payload: Uint8Array;
}

/** Most segments in one pass. */
const MOST_TOGETHER = 32;

export function createJobPublisher(options: JobPublisherOptions): JobPublisher {
  const { bus, record, keeper, queued, log, now, signal } = options;
  const { batchId, lane, acceptedAt } = record;
  let held: HeldJob[] | undefined = lane === "batch" ? undefined : [];

  async function publish({ item, n, fields, payload }: HeldJob, together: number): Promise<void> {
    const subject = subjects.job(item.operation, lane, batchId, item.itemId, n);
    if (queued.has(subject)) return;
    const isWhole = n === 0 && fields.last === true;
    if (!isWhole) await keeper.keep();
    const common: Partial<Record<HeaderField, unknown>> = {
      customId: item.customId,
      submittedAt: acceptedAt,
      together: together > 1 ? together : undefined,
      warnings: n === 0 ? item.warnings : undefined,
      batch: keeper.unkept,
    };
    const receipt = await patiently(subject, payload, {
      headers: writeHeaders({ ...common, ...fields }),
      messageId: `${batchId}.${item.itemId}.${n}`,
      first: true,
    });
    if (receipt.duplicate) await requireAlike(subject, payload, fields.last === true);
  }

  /**
   * Somebody else works on the same message (this process was stopped for a while), or an answer was lost. Whoever was first with
   * a segment has decided how the item is cut: where he cut otherwise, the message comes again and goes on as he did.
   */
  async function requireAlike(subject: string, data: Uint8Array, last: boolean): Promise<void> {
    const stored = await bus.last(streams.jobs, subject);
    const alike =
      stored !== undefined &&
      Buffer.compare(stored.data, data) === 0 &&
      readHeaders(jobHeadersSchema, stored.headers).last === last;
    if (!alike) throw new SpeechError("internal", "Another ingest has published this segment, cut otherwise.");
  }

  function patiently(
    subject: string,
    payload: Uint8Array | string,
    options: PublishOnceOptions,
  ): Promise<PublishReceipt> {
    return publishPatiently(bus, subject, payload, { ...options, log, signal });
  }

  async function take(job: HeldJob): Promise<void> {
    if (held === undefined || (job.item.wishes.parts && job.item.speech === undefined)) {
      await publish(job, 1);
      return;
    }
    held.push(job);
    if (held.length >= MOST_TOGETHER) await flush();
  }

  async function flush(): Promise<void> {
    const jobs = held ?? [];
    held = undefined;
    const together = (some: HeldJob[]) => Promise.all(some.map((job) => publish(job, jobs.length)));
    // Whoever is first with an item's first segment decides how the item is cut: the others leave when that is known.
    const heads = jobs.filter(({ item }, index) => jobs.findIndex((job) => job.item === item) === index);
    await together(heads);
    await together(jobs.filter((job) => !heads.includes(job)));
  }

  return {
    flush,
    async segment(item, { n, start, samples, length, last }, { segmentSeconds, firstSegmentSeconds }) {
      const shortened = length === samples.length ? undefined : length;
      const cut = { segmentSeconds, firstSegmentSeconds };
      const fields = { ...headersOf(item.wishes), start, samples: shortened, ...cut, last };
      await take({ item, n, fields, payload: bytesOf(samples) });
    },
    async text(item, { voice, instructions, speed, seed, format }, { n, text, pauseMs, last, reference, language }) {
      const fields: HeldJob["fields"] = {
        language,
        voice,
        instructions: oneLine(instructions) || undefined,
        speed: speed === 1 ? undefined : speed,
        seed: seed ?? seedOf(batchId, item.itemId),
        format,
        reference: reference?.id,
        referenceText: oneLine(reference?.text ?? "") || undefined,
        parts: item.wishes.parts || undefined,
        pauseMs,
        last,
      };
      const payload = Buffer.from(text);
      if (n === 0) await publish({ item, n, fields, payload }, 1);
      else await take({ item, n, fields, payload });
    },
    async failure(item, n, error) {
      await keeper.keep();
      const result: SegmentResult = {
        operation: item.operation,
        outcome: "failed",
        error: error.toFailure(),
        last: true,
        ...(item.customId === undefined ? {} : { customId: item.customId }),
        submittedAt: acceptedAt,
        timestamps: item.wishes.timestamps,
        ...(item.warnings === undefined ? {} : { warnings: item.warnings }),
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

export function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** What is not wished for goes without a header. */
export function headersOf({
  translate,
  temperature,
  logprobs,
  parts,
  ...others
}: TranscriptionWishes): HeldJob["fields"] {
  return {
    ...others,
    translate: translate || undefined,
    temperature: temperature || undefined,
    logprobs: logprobs || undefined,
    parts: parts || undefined,
  };
}
