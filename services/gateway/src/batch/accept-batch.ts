/**
 * Hands a batch to the pipeline: its record, so that a status can tell its total and a cancel its items, and the submission or the
 * audio itself.
 */
import type { BatchNotebook, Bus, HeaderPairs } from "@parlance/bus";
import {
  type BatchRecord,
  GATEWAY_SOURCE,
  headerNames,
  SpeechError,
  type Submission,
  subjects,
} from "@parlance/contracts";

/** How long a submission is tried while NATS is away. Beyond it the caller is told. */
const PUBLISH_TIMEOUT_MS = 5_000;
const HEADER_ROOM_BYTES = 1_024;
/** What a batch's status needs of each item beyond what was submitted of it. */
const STATUS_BYTES_PER_ITEM = 384;
/** A raw drop is a batch of one item, and this is its id. */
export const ONLY_ITEM = "0";

export interface AcceptOptions {
  bus: Bus;
  notebook: Pick<BatchNotebook, "enter" | "withdraw">;
}

/**
 * Resolves when the batch is stored. Safe to call again with the same arguments: a batch id is accepted once.
 * Throws `queue_full`, `storage_full`, `bus_unavailable`, or `payload_too_large` when it does not fit one message.
 */
export async function acceptBatch(
  { bus, notebook }: AcceptOptions,
  batchId: string,
  submission: Submission,
  acceptedAt: number,
): Promise<void> {
  const payload = JSON.stringify({ ...submission, batchId });
  const bytes = Buffer.byteLength(payload) + submission.items.length * STATUS_BYTES_PER_ITEM + HEADER_ROOM_BYTES;
  if (bytes > bus.maxPayload) {
    throw new SpeechError("payload_too_large", "The submission does not fit one message: send fewer items at a time.", {
      param: "items",
    });
  }
  const recording = notebook.enter(recordOf(batchId, submission, acceptedAt));
  // First: whoever has its answer may ask for its status at once.
  await recording;
  await withdrawWhenRefused({ notebook, batchId, recording }, async () => {
    await bus.publishOnce(subjects.intake(GATEWAY_SOURCE, batchId), payload, {
      messageId: batchId,
      first: true,
      headers: [[headerNames.contentType, "application/json"]],
      timeoutMs: PUBLISH_TIMEOUT_MS,
    });
  });
}

/**
 * One audio inside its own message. Its record is stored beside it, not before it: whoever waits for the answer waits for one write
 * on the disk. Without the record, a batch that is cancelled before ingest has read it would be known to nobody.
 */
export async function acceptAudio(
  { bus, notebook }: AcceptOptions,
  batchId: string,
  audio: { bytes: Uint8Array; headers: HeaderPairs },
  acceptedAt: number,
): Promise<void> {
  const item = { itemId: ONLY_ITEM, operation: "transcribe" as const };
  const record = recordOf(batchId, { label: "", lane: "interactive", items: [item] }, acceptedAt);
  const recording = notebook.enter(record);
  recording.catch(() => undefined);
  await withdrawWhenRefused({ notebook, batchId, recording }, async () => {
    await bus.publishOnce(subjects.intake(GATEWAY_SOURCE, batchId), audio.bytes, {
      messageId: batchId,
      headers: audio.headers,
      timeoutMs: PUBLISH_TIMEOUT_MS,
    });
  });
  await recording;
}

/** Whether an error says for certain that a batch was not accepted. After a time-out it may be stored all the same. */
export function wasRefused(error: unknown): boolean {
  return (
    error instanceof SpeechError &&
    (error.code === "queue_full" || error.code === "storage_full" || error.code === "payload_too_large")
  );
}

function recordOf(batchId: string, { label, lane, items }: Submission, acceptedAt: number): BatchRecord {
  return {
    batchId,
    label,
    lane,
    acceptedAt,
    items: items.map(({ itemId, customId, operation }) => ({
      itemId,
      operation,
      ...(customId === undefined ? {} : { customId }),
    })),
  };
}

/** A record without a submission would be queued for ever. */
async function withdrawWhenRefused(
  {
    notebook,
    batchId,
    recording,
  }: Pick<AcceptOptions, "notebook"> & { batchId: string; recording: Promise<number | undefined> },
  publish: () => Promise<void>,
): Promise<void> {
  try {
    await publish();
  } catch (error) {
    if (wasRefused(error)) {
      const revision = await recording;
      if (revision !== undefined) await notebook.withdraw(batchId, revision);
    }
    throw error;
  }
}
