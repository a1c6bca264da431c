/**
 * Concludes what is left of cancelled batches, which the notebook tells. Items that are done stay done.
 *
 * cancelled → (no record yet, or a live session: waiting, and looked at again, less and less often) → concluded. Whoever waits takes no
 * place from the others, and is not given up: a record is written by whoever takes the batch in, which may be long after.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { BatchNotebook, Bus } from "@parlance/bus";
import { type BatchRecord, SpeechError } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import type { ConcludeItem } from "../items/conclude-item.ts";
import { type BatchProgress, readDone } from "./batch-progress.ts";

export interface ConcludeCancelledOptions {
  bus: Bus;
  notebook: Pick<BatchNotebook, "find" | "keep" | "isConcluded" | "followCancelled">;
  concludeItem: ConcludeItem;
  progress: BatchProgress;
  log: Log;
  signal: AbortSignal;
  now: () => number;
  /** Milliseconds until a batch without a record is looked at again; doubled each time, to at most 256 times as many. Default 250. */
  firstPauseMs?: number | undefined;
}

const AT_ONCE = 8;
const MOST_DOUBLINGS = 8;
/** Batches to remember of which there is no record. Their keys outlive them: a restarted service remembers the newest ones. */
const MOST_WAITING = 10_000;

interface Waiting {
  tries: number;
  /** By the monotonic clock. */
  dueAt: number;
}

/** Runs until the signal aborts. */
export async function concludeCancelled(options: ConcludeCancelledOptions): Promise<void> {
  const { notebook, signal, log, firstPauseMs = 250 } = options;
  const working = new Set<Promise<void>>();
  const waiting = new Map<string, Waiting>();

  /** Resolves when there is a place for the next one. */
  async function start(batchId: string, tries: number): Promise<void> {
    const work: Promise<void> = attempt(batchId, tries).finally(() => working.delete(work));
    working.add(work);
    if (working.size >= AT_ONCE) await Promise.race(working);
  }

  async function attempt(batchId: string, tries: number): Promise<void> {
    try {
      if (await concludeBatch(batchId, options)) return;
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error, batchId }, "cancelling failed; it will be tried again");
    }
    waiting.set(batchId, { tries, dueAt: performance.now() + firstPauseMs * 2 ** Math.min(tries, MOST_DOUBLINGS) });
    const [oldest] = waiting.keys();
    if (waiting.size <= MOST_WAITING || oldest === undefined) return;
    waiting.delete(oldest);
    log.warn(
      { batchId: oldest },
      "too many cancelled batches have no record; the oldest one is not waited for any longer",
    );
  }

  async function lookAgain(): Promise<void> {
    while (!signal.aborted) {
      await pause(firstPauseMs, undefined, { signal }).catch(() => undefined);
      const now = performance.now();
      for (const [batchId, { tries, dueAt }] of [...waiting]) {
        if (dueAt > now || signal.aborted) continue;
        waiting.delete(batchId);
        await start(batchId, tries + 1);
      }
    }
  }

  const looking = lookAgain();
  const cancelled = notebook.followCancelled({
    log,
    signal,
    onCancelled(batchId) {
      waiting.delete(batchId);
      return start(batchId, 0);
    },
    onForgotten: (batchId) => void waiting.delete(batchId),
  });
  await Promise.all([cancelled.ended, looking]);
  await Promise.all(working);
}

export type ConcludeBatchOptions = Pick<
  ConcludeCancelledOptions,
  "bus" | "concludeItem" | "progress" | "log" | "now"
> & { notebook: Pick<BatchNotebook, "find" | "keep" | "isConcluded"> };

/** False when the batch is not known yet, or is a session that did not hear of it yet: more may come. */
export async function concludeBatch(batchId: string, options: ConcludeBatchOptions): Promise<boolean> {
  const { bus, notebook, progress, log } = options;
  if (await notebook.isConcluded(batchId)) return true;
  const found = await notebook.find(batchId);
  if (found === undefined) return false;
  const { record } = found;
  // What no worker ends has a record and a summary, as a batch of many.
  if (!found.kept && !(await notebook.keep(record))) return false;
  const done = await readDone(bus, batchId);
  const left = record.items.filter((item) => !done.has(item.itemId));
  for (let from = 0; from < left.length; from += 64) {
    await Promise.all(left.slice(from, from + 64).map((item) => concludeOne(record, item, options)));
  }
  if (record.open) return false;
  await progress.check(batchId);
  log.info({ batchId, items: left.length }, "cancelled");
  return true;
}

async function concludeOne(
  record: BatchRecord,
  item: BatchRecord["items"][number],
  { concludeItem, now }: ConcludeBatchOptions,
): Promise<void> {
  await concludeItem({
    batchId: record.batchId,
    itemId: item.itemId,
    ...(item.customId === undefined ? {} : { customId: item.customId }),
    operation: item.operation,
    status: "cancelled",
    error: new SpeechError("cancelled").toFailure(),
    finishedAt: now(),
  });
}
