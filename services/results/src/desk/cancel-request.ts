/** Cancels a batch for the publisher that submitted it, as REST does for its callers. */
import type { BatchNotebook } from "@parlance/bus";
import { type CancelResponse, SpeechError } from "@parlance/contracts";

/** Throws `batch_not_found`, and `not_owner` for the batch of another source. A service (without a source) may cancel any. */
export async function cancelBatch(
  { notebook, now }: { notebook: BatchNotebook; now: () => number },
  batchId: string,
  source: string | undefined,
): Promise<CancelResponse> {
  const record = await notebook.read(batchId);
  if (record === undefined) throw new SpeechError("batch_not_found");
  if (source !== undefined && record.source !== source) throw new SpeechError("not_owner");
  return { batch_id: batchId, cancelled: await notebook.cancelUnfinished(batchId, now()) };
}
