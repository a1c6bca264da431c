/** What was asked, what is done and what has begun → the state of a batch. Pure. */
import {
  type BatchRecord,
  type BatchStatus,
  type BatchSummary,
  type DoneHeaders,
  type ItemStatus,
  SAMPLE_RATE,
  transcriptFileId,
} from "@parlance/contracts";

export interface BatchFacts {
  record: BatchRecord;
  /** Item id → the headers of its done event. */
  done: ReadonlyMap<string, DoneHeaders>;
  /** Items that a pass has begun or of which a segment's result is there. */
  begun: ReadonlySet<string>;
  /** Why nothing can be done for items at the moment. */
  waitingReason?: string | undefined;
}

export function foldBatch({ record, done, begun, waitingReason }: BatchFacts): BatchStatus {
  const items = record.items.map((item) =>
    itemStatus(record.batchId, item, { headers: done.get(item.itemId), begun: begun.has(item.itemId) }),
  );
  const completed = items.filter((item) => item.status === "done").length;
  const failed = items.filter((item) => item.status === "error" || item.status === "cancelled").length;
  const total = items.length;
  return {
    batch_id: record.batchId,
    label: record.label,
    status: record.open
      ? "processing"
      : batchState({ completed, failed, total, begun: items.some((item) => item.status !== "queued") }),
    completed,
    failed,
    total,
    waiting_reason: completed + failed < total ? (waitingReason ?? null) : null,
    items,
  };
}

/** In the seconds of its session. */
function placeOf({ start, samples }: BatchRecord["items"][number]): Pick<ItemStatus, "start" | "end"> {
  if (start === undefined || samples === undefined) return {};
  return { start: start / SAMPLE_RATE, end: (start + samples) / SAMPLE_RATE };
}

function urlOf(batchId: string, itemId: string, { file }: DoneHeaders): string {
  return `/api/v1/files/${file ?? transcriptFileId(batchId, itemId)}`;
}

/** @param headers of its done event */
export function itemStatus(
  batchId: string,
  item: BatchRecord["items"][number],
  { headers, begun }: { headers: DoneHeaders | undefined; begun: boolean },
): ItemStatus {
  return {
    item_id: item.itemId,
    custom_id: item.customId ?? null,
    status: headers?.status ?? (begun ? "processing" : "queued"),
    url: headers?.status === "done" ? urlOf(batchId, item.itemId, headers) : null,
    error: headers !== undefined && headers.status !== "done" ? (headers.error ?? "Unknown error") : null,
    error_code: headers?.errorCode ?? null,
    queue_seconds: headers?.queueSeconds ?? null,
    run_seconds: headers?.runSeconds ?? null,
    ...(headers?.worker === undefined ? {} : { worker: headers.worker, attempts: headers.attempts }),
    ...(headers?.seed === undefined ? {} : { seed: headers.seed }),
    ...placeOf(item),
  };
}

interface Counts {
  completed: number;
  failed: number;
  total: number;
  begun: boolean;
}

/** `partial`: some have failed or were cancelled, whether the rest runs or is finished. `error`: all have. */
export function batchState({ completed, failed, total, begun }: Counts): BatchStatus["status"] {
  // Of a session in which nobody spoke nothing is missing.
  if (completed === total) return "completed";
  if (failed === total) return "error";
  if (failed > 0) return "partial";
  return begun ? "processing" : "queued";
}

/** Undefined while an item is missing. */
export function summarise(
  { batchId, label, items }: Pick<BatchRecord, "batchId" | "label" | "items">,
  done: ReadonlyMap<string, Pick<DoneHeaders, "status">>,
  finishedAt: number,
): BatchSummary | undefined {
  if (done.size < items.length) return undefined;
  const failed = [...done.values()].filter(({ status }) => status !== "done").length;
  const completed = done.size - failed;
  return {
    batchId,
    label,
    status: failed === 0 ? "completed" : completed === 0 ? "error" : "partial",
    completed,
    failed,
    total: items.length,
    finishedAt,
  };
}
