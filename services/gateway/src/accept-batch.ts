/** Hands a batch to the pipeline: its record first, so that a status can tell its total, then the submission. */
import type { Bus, KeyBucket } from "@parlance/bus";
import { type BatchRecord, batchKeys, headerNames, SpeechError, type Submission, subjects } from "@parlance/contracts";

/** The source token of everything that comes through REST. */
export const SOURCE = "rest";
/** How long a submission is tried while NATS is away. Beyond it the caller is told. */
export const PUBLISH_PATIENCE_MS = 5_000;
const HEADER_ROOM_BYTES = 1_024;
/** What a batch's status needs of each item beyond what was submitted of it. */
const STATUS_BYTES_PER_ITEM = 384;

export interface AcceptBatchOptions {
  bus: Bus;
  batches: KeyBucket;
}

/**
 * Resolves when the batch is stored. Safe to call again with the same arguments: a batch id is accepted once.
 * Throws `queue_full`, `storage_full`, `bus_unavailable`, or `payload_too_large` when it does not fit one message.
 */
export async function acceptBatch(
  { bus, batches }: AcceptBatchOptions,
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
  const record: BatchRecord = {
    batchId,
    label: submission.label,
    lane: submission.lane,
    acceptedAt,
    items: submission.items.map(({ itemId, customId, operation }) => ({
      itemId,
      operation,
      ...(customId === undefined ? {} : { customId }),
    })),
  };
  const revision = await batches.create(batchKeys.batch(batchId), JSON.stringify(record));
  try {
    await bus.publishOnce(subjects.intake(SOURCE, batchId), payload, {
      messageId: batchId,
      first: true,
      headers: [[headerNames.contentType, "application/json"]],
      timeoutMs: PUBLISH_PATIENCE_MS,
    });
  } catch (error) {
    // Refused for certain: a record without a submission would be queued for ever. After a time-out the submission may
    // be stored all the same, so its record stays.
    const refused = error instanceof SpeechError && (error.code === "queue_full" || error.code === "storage_full");
    if (refused && revision !== undefined) await batches.delete(batchKeys.batch(batchId), revision);
    throw error;
  }
}
