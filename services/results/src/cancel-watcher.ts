/**
 * Concludes what is left of a cancelled batch. The key `cancelled.<batchId>` is the whole request: it is watched, and
 * read again after a restart, so a cancel outlives this process. Items that are done stay done.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Bus, KeyBucket } from "@parlance/bus";
import { type BatchRecord, batchKeys, batchRecordSchema, SpeechError, streams, subjects } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { type BatchProgress, readDone } from "./batch-progress.ts";
import type { ConcludeItem } from "./conclude-item.ts";

export interface CancelWatcherOptions {
  bus: Bus;
  batches: KeyBucket;
  concludeItem: ConcludeItem;
  progress: BatchProgress;
  log: Log;
  signal: AbortSignal;
  now: () => number;
}

const AT_ONCE = 8;
/** A raw drop's record is written when ingest reads it: a cancel may come before. */
const RECORD_TRIES = 8;
const FIRST_PAUSE_MS = 250;

/** Runs until the signal aborts. */
export async function watchCancels(options: CancelWatcherOptions): Promise<void> {
  const { batches, signal, log } = options;
  const prefix = batchKeys.cancelled("");
  const working = new Set<Promise<void>>();
  while (!signal.aborted) {
    try {
      for await (const event of batches.watch(batchKeys.cancelled("*"), signal)) {
        if (event.kind !== "put") continue;
        const batchId = event.key.slice(prefix.length);
        const work: Promise<void> = cancelUntilDone(batchId, options).finally(() => working.delete(work));
        working.add(work);
        if (working.size >= AT_ONCE) await Promise.race(working);
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, "watching cancels failed");
    }
    await pause(1_000, undefined, { signal }).catch(() => undefined);
  }
  await Promise.all(working);
}

async function cancelUntilDone(batchId: string, options: CancelWatcherOptions): Promise<void> {
  for (let tries = 1; !options.signal.aborted; tries += 1) {
    try {
      if (await cancelBatch(batchId, options)) return;
      if (tries === RECORD_TRIES) {
        options.log.warn({ batchId }, "a cancelled batch has no record; nothing to conclude");
        return;
      }
    } catch (error) {
      options.log.warn({ err: error, batchId }, "cancelling failed; it will be tried again");
    }
    const waitMs = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), 30_000);
    await pause(waitMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** False when the batch is not known yet. */
async function cancelBatch(batchId: string, options: CancelWatcherOptions): Promise<boolean> {
  const { bus, batches, progress, log } = options;
  if ((await bus.last(streams.results, subjects.summary(batchId))) !== undefined) return true;
  const entry = await batches.get(batchKeys.batch(batchId));
  if (entry === undefined) return false;
  const record = batchRecordSchema.parse(JSON.parse(Buffer.from(entry.value).toString()));
  const done = await readDone(bus, batchId);
  const left = record.items.filter((item) => !done.has(item.itemId));
  for (let from = 0; from < left.length; from += 64) {
    await Promise.all(left.slice(from, from + 64).map((item) => concludeCancelled(record, item, options)));
  }
  await progress.check(batchId);
  log.info({ batchId, items: left.length }, "cancelled");
  return true;
}

async function concludeCancelled(
  record: BatchRecord,
  item: BatchRecord["items"][number],
  { concludeItem, now }: CancelWatcherOptions,
): Promise<void> {
  await concludeItem({
    batchId: record.batchId,
    itemId: item.itemId,
    ...(item.customId === undefined ? {} : { customId: item.customId }),
    operation: item.operation,
    status: "error",
    error: new SpeechError("cancelled").toFailure(),
    finishedAt: now(),
  });
}
