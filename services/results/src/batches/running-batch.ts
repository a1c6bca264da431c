/**
 * The status of one batch while it goes on, changed by what comes of its items and never folded anew: what an item is, is written when it
 * becomes that, and an answer is what is written, joined. Pure.
 */
import type { BatchRecord, DoneHeaders, Operation, StatusView } from "@parlance/contracts";
import { batchState, itemStatus } from "./fold-batch.ts";
import { type StatusHead, type WrittenItem, writeStatus } from "./status-view.ts";

export interface RunningBatch {
  /** What was asked, again where it may have grown. */
  asked(record: BatchRecord): void;
  /** The end of an item: the first one counts. */
  take(itemId: string, headers: DoneHeaders): void;
  /** A pass has begun an item, or a segment's result of it is there. */
  begin(itemId: string): void;
  isDone(itemId: string): boolean;
  readonly size: number;
  /** Whether every item is done, and none is added any more. */
  readonly whole: boolean;
  /** Of items that are not done. */
  readonly wanted: ReadonlySet<Operation>;
  write(view: StatusView, waitingReason: string | undefined, told?: { warnings?: string[] }): string;
}

export function createRunningBatch(first: BatchRecord): RunningBatch {
  let record = first;
  const places = new Map<string, number>();
  const written: WrittenItem[] = [];
  const done = new Map<string, DoneHeaders>();
  const begun = new Set<string>();
  const left = new Map<Operation, number>();
  let completed = 0;
  let queued = 0;

  function count({ state }: WrittenItem, operation: Operation, by: 1 | -1): void {
    if (state === "done") completed += by;
    if (state === "queued") queued += by;
    if (state === "queued" || state === "processing") left.set(operation, (left.get(operation) ?? 0) + by);
  }

  /** Writes what an item is now. */
  function rewrite(place: number): void {
    const item = record.items[place];
    if (item === undefined) return;
    const { itemId, operation } = item;
    const status = itemStatus(record.batchId, item, { headers: done.get(itemId), begun: begun.has(itemId) });
    const before = written[place];
    const now: WrittenItem = { state: status.status, json: JSON.stringify(status) };
    if (before !== undefined) count(before, operation, -1);
    count(now, operation, 1);
    written[place] = now;
  }

  function open(): number {
    return [...left.values()].reduce((sum, items) => sum + items, 0);
  }

  function changed(itemId: string): void {
    const place = places.get(itemId);
    if (place !== undefined) rewrite(place);
  }

  const batch: RunningBatch = {
    asked(next) {
      record = next;
      for (let place = written.length; place < record.items.length; place += 1) {
        places.set(record.items[place]?.itemId ?? "", place);
        rewrite(place);
      }
    },
    take(itemId, headers) {
      if (done.has(itemId)) return;
      done.set(itemId, headers);
      changed(itemId);
    },
    begin(itemId) {
      if (begun.has(itemId)) return;
      begun.add(itemId);
      if (!done.has(itemId)) changed(itemId);
    },
    isDone: (itemId) => done.has(itemId),
    get size() {
      return written.length;
    },
    get whole() {
      return !record.open && open() === 0;
    },
    get wanted() {
      return new Set([...left].flatMap(([operation, items]) => (items > 0 ? [operation] : [])));
    },
    write(view, waitingReason, told) {
      const total = written.length;
      const counts = { completed, failed: total - open() - completed, total };
      const head: StatusHead = {
        batch_id: record.batchId,
        label: record.label,
        status: record.open ? "processing" : batchState({ ...counts, begun: queued < total }),
        ...counts,
        waiting_reason: open() === 0 ? null : (waitingReason ?? null),
      };
      return writeStatus(head, written, view, told);
    },
  };
  batch.asked(first);
  return batch;
}
