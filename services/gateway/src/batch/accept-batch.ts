/**
 * Hands a batch to the pipeline: its record, so that a status can tell its total and a cancel its items, and the submission or the
 * audio itself. One item to transcribe needs no record: what comes in says it all (the bus's lone-batches).
 */
import type { BatchNotebook, Bus, HeaderPairs } from "@parlance/bus";
import {
  type BatchRecord,
  GATEWAY_SOURCE,
  HEADER_ROOM_BYTES,
  headerNames,
  SpeechError,
  type Submission,
  subjects,
} from "@parlance/contracts";

/** How long a submission is tried while NATS is away. Beyond it the caller is told. */
const PUBLISH_TIMEOUT_MS = 5_000;
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
  const publish = async () => {
    await bus.publishOnce(subjects.intake(GATEWAY_SOURCE, batchId), payload, {
      messageId: batchId,
      first: true,
      headers: [[headerNames.contentType, "application/json"]],
      timeoutMs: PUBLISH_TIMEOUT_MS,
    });
  };
  const [item, ...others] = submission.items;
  if (item?.operation === "transcribe" && others.length === 0) return await publish();
  // First: whoever has its answer may ask for its status at once.
  const revision = await notebook.enter(recordOf(batchId, submission, acceptedAt));
  try {
    await publish();
  } catch (error) {
    // A record without a submission would be queued for ever.
    if (wasRefused(error) && revision !== undefined) await notebook.withdraw(batchId, revision);
    throw error;
  }
}

/** One audio inside its own message, whose headers say the rest. */
export async function acceptAudio(
  bus: Bus,
  batchId: string,
  audio: { bytes: Uint8Array; headers: HeaderPairs },
): Promise<void> {
  await bus.publishOnce(subjects.intake(GATEWAY_SOURCE, batchId), audio.bytes, {
    messageId: batchId,
    headers: audio.headers,
    timeoutMs: PUBLISH_TIMEOUT_MS,
  });
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
