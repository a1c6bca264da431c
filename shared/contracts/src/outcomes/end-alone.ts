/**
 * A batch that is one item of one segment ends with one message: the segment's result is its item's done event, which holds what was
 * asked and says what a summary would. Whoever has the result writes it. Pure.
 */
import type { BatchRecord } from "../messages/entries.ts";
import { type BatchSummary, type ItemDone, type SegmentResult, segmentResultSchema } from "../messages/payloads.ts";
import { doneHeaders, INLINE_TRANSCRIPT_BYTES } from "./done-message.ts";
import { foldItem, type ItemAddress } from "./fold-item.ts";

export interface LoneEnd {
  done: ItemDone;
  payload: string;
  headers: [name: string, value: string][];
}

/** Undefined where the results service has to conclude it: sound that is to be encoded, a transcript that is a file's. */
export function endAlone(address: ItemAddress, result: object, batch: BatchRecord): LoneEnd | undefined {
  const parsed = segmentResultSchema.safeParse(result).data;
  if (parsed === undefined || parsed.outcome === "spoken" || !parsed.last) return undefined;
  const done = foldItem(address, new Map<number, SegmentResult>([[0, parsed]]));
  if (done === undefined) return undefined;
  const payload = JSON.stringify(done);
  if (Buffer.byteLength(payload) > INLINE_TRANSCRIPT_BYTES) return undefined;
  return { done, payload, headers: doneHeaders(done, batch) };
}

/** What the end of its only item says of a batch. */
export function summaryOfOne(batch: BatchRecord, { status, finishedAt }: LoneDone): BatchSummary {
  const completed = status === "done" ? 1 : 0;
  return {
    batchId: batch.batchId,
    label: batch.label,
    status: completed === 1 ? "completed" : "error",
    completed,
    failed: 1 - completed,
    total: 1,
    finishedAt,
  };
}
type LoneDone = Pick<ItemDone, "status" | "finishedAt">;
