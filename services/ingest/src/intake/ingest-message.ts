/**
 * One intake message from delivery to outcome: claimed, its items taken in, and acknowledged when all of them are told of.
 *
 * Around it: intake-loop (how many are held, and which go first), waiting-room (texts that nobody can judge yet) and submit-service
 * (senders that want an answer) bring messages. read-intake and read-submission say what they ask for (intake-batch), claim-batch
 * whose their batch id is, and refused tells a sender what no done event will.
 */
import type { DecoderPool, Slots } from "@parlance/audio";
import type { ListenerPool } from "@parlance/audio/live";
import {
  type BatchNotebook,
  type Bus,
  type CancelledBatches,
  type Delivery,
  deadLetter,
  type FileStore,
  type KeyBucket,
  retryDelayMs,
} from "@parlance/bus";
import { type ErrorCode, SpeechError, type StoredVoice, toSpeechError } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { IngestMetrics } from "../ingest-metrics.ts";
import { nothingQueued, readAlreadyQueued } from "../items/already-queued.ts";
import { ingestItem } from "../items/ingest-item.ts";
import type { ItemContext } from "../items/item-context.ts";
import { createRecordKeeper } from "../items/keep-record.ts";
import { createJobPublisher } from "../items/publish-jobs.ts";
import { claimBatch } from "./claim-batch.ts";
import type { IntakeBatch } from "./intake-batch.ts";
import { tellRefused } from "./refused.ts";

export interface MessageContext {
  bus: Bus;
  notebook: BatchNotebook;
  files: FileStore;
  decoder: DecoderPool;
  /** What hears live sessions, and recordings to imitate. */
  listeners: Pick<ListenerPool, "open">;
  references: FileStore;
  voices: KeyBucket<StoredVoice>;
  cancelled: CancelledBatches;
  /** Places for items: how many are decoded and published at once. */
  slots: Slots;
  metrics: IngestMetrics;
  log: Log;
  fileTtlMs: number;
  segmentLimits: ItemContext["segmentLimits"];
  transcribes: boolean;
  speaks: boolean;
  callers: ItemContext["callers"];
  hasBacklog: ItemContext["hasBacklog"];
  speechWorkers: ItemContext["speechWorkers"];
  /** Moves a message to where it waits for a worker; absent where it is there already. */
  letWait: ((delivery: Delivery) => Promise<void>) | undefined;
  now: () => number;
}

/**
 * Failures of our own making that might heal (a checksum that differs, a process that does not start), counted by this process. What
 * is NATS's making (it is away, a stream is full) is waited for without end: accepted work is not given up.
 */
const MOST_FAILURES = 8;
/** What is tried again less and less often. */
const slowedDown: ReadonlySet<ErrorCode> = new Set(["internal", "worker_unavailable"]);

/** Never throws: what fails is logged and comes again. `signal` gives the message back. `begun` when the first item has its turn. */
export async function ingestMessage(
  delivery: Delivery,
  batch: IntakeBatch | undefined,
  context: MessageContext,
  { signal, failures, begun }: { signal: AbortSignal; failures: Map<number, number>; begun: () => void },
): Promise<void> {
  const { metrics, log } = context;
  const failedBefore = failures.get(delivery.seq) ?? 0;
  try {
    if (batch === undefined) {
      const reason = "the subject names no valid batch id";
      await tellRefused(
        context,
        delivery,
        new SpeechError("validation_failed", `batchId: ${reason}`, { param: "batchId" }),
      );
      await putAside(delivery, undefined, reason, context);
    } else {
      const lastTry = failedBefore >= MOST_FAILURES;
      await ingestBatch(delivery, batch, context, { signal, lastTry, begun });
    }
    failures.delete(delivery.seq);
  } catch (error) {
    if (signal.aborted) return;
    const { code } = toSpeechError(error);
    if (code === "worker_unavailable" && (await isMoved(delivery, context))) return;
    if (slowedDown.has(code)) failures.set(delivery.seq, failedBefore + 1);
    log.warn(
      { err: error, subject: delivery.subject, deliveries: delivery.deliveries },
      "intake failed; it is tried again",
    );
    delivery.nak(retryDelayMs(failedBefore + 1));
  } finally {
    metrics.messages.dec();
  }
}

/** Moves a message that waits for a worker, if it can be. */
async function isMoved(delivery: Delivery, { letWait, log }: MessageContext): Promise<boolean> {
  if (letWait === undefined) return false;
  try {
    await letWait(delivery);
    await acknowledge(delivery, log);
    return true;
  } catch (error) {
    log.warn({ err: error, subject: delivery.subject }, "a text cannot wait aside: it waits in INTAKE");
    return false;
  }
}

async function ingestBatch(
  delivery: Delivery,
  batch: IntakeBatch,
  context: MessageContext,
  { signal, lastTry, begun }: { signal: AbortSignal; lastTry: boolean; begun: () => void },
): Promise<void> {
  const { bus, slots, metrics, log } = context;
  const claim = await claimBatch(context.notebook, delivery, batch);
  if (claim.kind === "taken") {
    await tellRefused(context, delivery, new SpeechError("batch_id_taken"));
    await putAside(delivery, batch.batchId, "batch_id_taken", context);
    return;
  }
  if (claim.kind === "retry") {
    await acknowledge(delivery, log);
    return;
  }
  const { record } = claim;
  const keeper = createRecordKeeper(context.notebook, claim);
  const cancel = context.cancelled.enter(batch.batchId);
  const either = AbortSignal.any([signal, cancel.signal]);
  try {
    const queued = delivery.deliveries > 1 ? await readAlreadyQueued(bus, batch.batchId) : nothingQueued;
    const publisher = createJobPublisher({ ...context, record, keeper, queued, signal: either });
    const urgent = record.lane !== "batch";
    if (urgent) context.callers.noteRequest();
    const outcomes = await Promise.allSettled(
      batch.items.map(async (item) => {
        const release = await slots.take(urgent, either);
        begun();
        try {
          await ingestItem(item, { ...context, record, publisher, queued, lastTry, signal: either });
        } finally {
          release();
        }
      }),
    );
    either.throwIfAborted();
    await publisher.flush();
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure !== undefined) throw failure.reason;
    if (batch.refusal !== undefined) await putAside(delivery, batch.batchId, describe(batch.refusal), context);
    else await acknowledge(delivery, log);
  } catch (error) {
    if (!cancel.signal.aborted) throw error;
    // Results concludes what is left of a cancelled batch, by its record.
    await keeper.keep();
    metrics.items.inc({ outcome: "cancelled" }, batch.items.length);
    await acknowledge(delivery, log);
  } finally {
    cancel.leave();
  }
}

async function putAside(
  delivery: Delivery,
  batchId: string | undefined,
  reason: string,
  { bus, metrics, log }: MessageContext,
): Promise<void> {
  log.warn({ subject: delivery.subject, seq: delivery.seq, reason }, "an intake message is put aside");
  await deadLetter(bus, delivery, { service: "ingest", reason, address: { batchId } });
  metrics.deadLetters.inc();
}

function describe(error: SpeechError): string {
  const { code, message } = toSpeechError(error);
  return `${code}: ${message}`;
}

async function acknowledge(delivery: Delivery, log: Log): Promise<void> {
  await delivery
    .ack()
    .catch((error: unknown) => log.debug({ err: error }, "an ack did not arrive; the message comes again"));
}
