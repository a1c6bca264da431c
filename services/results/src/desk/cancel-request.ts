/** Cancels a batch for the publisher that submitted it, as REST does for its callers. */
import type { Bus, KeyBucket } from "@parlance/bus";
import { batchKeys, batchRecordSchema, type CancelResponse, SpeechError, streams, subjects } from "@parlance/contracts";

/** Throws `batch_not_found`, and `not_owner` for the batch of another source. A service (without a source) may cancel any. */
export async function cancelBatch(
  { bus, batches, now }: { bus: Bus; batches: KeyBucket; now: () => number },
  batchId: string,
  source: string | undefined,
): Promise<CancelResponse> {
  const entry = await batches.get(batchKeys.batch(batchId));
  if (entry === undefined) throw new SpeechError("batch_not_found");
  const record = batchRecordSchema.parse(JSON.parse(Buffer.from(entry.value).toString()));
  if (source !== undefined && record.source !== source) throw new SpeechError("not_owner");
  const finished = (await bus.last(streams.results, subjects.summary(batchId))) !== undefined;
  if (!finished) await batches.put(batchKeys.cancelled(batchId), String(now()));
  return { batch_id: batchId, cancelled: !finished };
}
