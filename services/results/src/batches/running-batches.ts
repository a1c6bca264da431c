/**
 * Batches whose status was asked for while they go on. The first question reads what the streams hold of a batch; from then on what comes
 * of it is heard. Done events that this process stored itself are known here (own-ends); of another's it is heard that there are some, and
 * they are read. What was not heard, as where two servers lost each other for a moment, is read now and then, behind an answer. What is kept
 * here are caches: without them the whole batch is read again.
 */
import type { Bus } from "@parlance/bus";
import type { BatchRecord } from "@parlance/contracts";
import { type Heard, hearBatch } from "./hear-batch.ts";
import type { OwnEnds } from "./own-ends.ts";
import { type BatchReader, createBatchReader } from "./read-batch.ts";
import { createRunningBatch, type RunningBatch } from "./running-batch.ts";

export interface RunningBatches {
  /** With all that is stored by now; undefined for a batch that nobody knows. */
  read(batchId: string): Promise<RunningBatch | undefined>;
  /** Whether what comes of it is heard, so that reading it costs nothing. */
  isHeard(batchId: string): boolean;
  drop(batchId: string): void;
  readonly size: number;
}

export interface RunningBatchesOptions {
  bus: Pick<Bus, "read" | "subscribe" | "onConnection">;
  ownEnds: OwnEnds;
  /** Ends what is listened to. */
  signal: AbortSignal;
  /** What was asked; undefined for a batch that nobody knows. */
  find(batchId: string): Promise<BatchRecord | undefined>;
  /** Items of all batches together: some hundred bytes each. Default 20 000. */
  mostItems?: number;
  /** Milliseconds after which it is looked again what there is of a batch. Default 60 000: what came since the last look is read then. */
  freshMs?: number;
  /** Milliseconds after which what was published, and is not stored, never will be. Default 30 000. */
  storedMs?: number;
}

interface Entry {
  batch: RunningBatch;
  open: boolean;
  /** There may be done events that were not heard. */
  endsUnread: boolean;
  /** The same of passes that have begun. */
  beginsUnread: boolean;
  heard: Heard;
  reader: BatchReader;
  /** When it was looked for what was not heard, by the monotonic clock. */
  lookedAt: number;
  usedAt: number;
}

interface Reading {
  now: Promise<RunningBatch | undefined>;
  next: Promise<RunningBatch | undefined> | undefined;
}

const UNUSED_MS = 60_000;

export function createRunningBatches(options: RunningBatchesOptions): RunningBatches {
  const { bus, find, ownEnds, signal, mostItems = 20_000, freshMs = 60_000, storedMs = 30_000 } = options;
  const entries = new Map<string, Entry>();
  /** Of each batch that is read now, and of the reading after that, which sees what is stored meanwhile. */
  const reading = new Map<string, Reading>();

  ownEnds.follow((batchId, itemId, said) => {
    const entry = entries.get(batchId);
    if (said !== undefined) entry?.batch.take(itemId, said);
    else entry?.heard.ended.set(itemId, performance.now());
  });
  const stopLooking = bus.onConnection(() => {
    for (const entry of entries.values()) {
      Object.assign(entry, { endsUnread: true, beginsUnread: true });
      entry.reader.serverIsNew();
    }
  });
  const forgetting = setInterval(() => forgetOld(performance.now()), UNUSED_MS).unref();
  signal.addEventListener("abort", () => {
    stopLooking();
    clearInterval(forgetting);
    for (const batchId of [...entries.keys()]) drop(batchId);
  });

  function hear(batchId: string): Heard {
    const heard = hearBatch(batchId, {
      bus,
      isKnown: (itemId) => entries.get(batchId)?.batch.isDone(itemId) === true || ownEnds.isUnderWay(batchId, itemId),
      onFailure() {
        if (entries.get(batchId)?.heard === heard) drop(batchId);
      },
    });
    return heard;
  }

  function drop(batchId: string): void {
    entries.get(batchId)?.heard.close();
    entries.delete(batchId);
  }

  async function update(batchId: string): Promise<RunningBatch | undefined> {
    // What the server sent before the question is heard first.
    await new Promise((resolve) => setImmediate(resolve));
    const entry = await entryOf(batchId);
    if (entry === undefined) return undefined;
    const read = await Promise.allSettled([readEnds(entry), readBegins(entry)]);
    for (const each of read) if (each.status === "rejected") throw each.reason;
    return entry.batch;
  }

  async function entryOf(batchId: string): Promise<Entry | undefined> {
    const now = performance.now();
    const known = entries.get(batchId);
    if (known !== undefined && now - known.lookedAt > freshMs) void lookAgain(batchId, known);
    if (known?.open === false) return used(batchId, known, now);
    if (known === undefined) return await enter(batchId, now);
    const record = await find(batchId);
    if (record === undefined) drop(batchId);
    return record && used(batchId, ask(known, record), now);
  }

  async function enter(batchId: string, now: number): Promise<Entry | undefined> {
    // Heard before it is asked for: when the answer comes, the server has heard of both.
    const heard = hear(batchId);
    let record: BatchRecord | undefined;
    try {
      record = await find(batchId);
    } finally {
      if (record === undefined || signal.aborted) heard.close();
    }
    if (record === undefined) return undefined;
    const batch = createRunningBatch(record);
    const entry: Entry = {
      ...{ batch, heard, reader: createBatchReader(bus, batchId, batch), open: record.open === true },
      ...{ endsUnread: true, beginsUnread: true, lookedAt: now, usedAt: now },
    };
    if (!heard.over) entries.set(batchId, entry);
    return used(batchId, entry, now);
  }

  function ask(entry: Entry, record: BatchRecord): Entry {
    entry.batch.asked(record);
    return Object.assign(entry, { open: record.open === true });
  }

  /** A record may be forgotten, or expire, behind our back, and an event be stored that was not heard. Nobody waits for this. */
  async function lookAgain(batchId: string, entry: Entry): Promise<void> {
    entry.lookedAt = performance.now();
    try {
      const record = await find(batchId);
      if (record !== undefined) {
        ask(entry, record);
        await Promise.all([entry.reader.ends(), entry.reader.begins()]);
      } else if (entries.get(batchId) === entry) drop(batchId);
    } catch {
      // Where it cannot be told now, it is looked again after the same time.
    }
  }

  function used(batchId: string, entry: Entry, now: number): Entry {
    entry.usedAt = now;
    // One that was dropped meanwhile is listened to no more: it is good for this question alone.
    if (!entries.delete(batchId)) return entry;
    forgetOld(now);
    entries.set(batchId, entry);
    return entry;
  }

  function forgetOld(now: number): void {
    let items = [...entries.values()].reduce((sum, { batch }) => sum + batch.size, 0);
    for (const [batchId, { batch, usedAt }] of entries) {
      if (items <= mostItems && now - usedAt < UNUSED_MS) return;
      drop(batchId);
      items -= batch.size;
    }
  }

  async function readEnds(entry: Entry): Promise<void> {
    const { batch, reader } = entry;
    const { ended } = entry.heard;
    for (const itemId of ended.keys()) if (batch.isDone(itemId)) ended.delete(itemId);
    if (!entry.endsUnread && ended.size === 0) return;
    const before = performance.now() - storedMs;
    await readUnread(entry, "endsUnread", reader.ends);
    // What was looked for and is not there by then was refused.
    for (const [itemId, at] of ended) if (at < before || batch.isDone(itemId)) ended.delete(itemId);
  }

  async function readBegins(entry: Entry): Promise<void> {
    const { batch, reader } = entry;
    const { begun } = entry.heard;
    if (entry.beginsUnread) await readUnread(entry, "beginsUnread", reader.begins);
    for (const itemId of begun) batch.begin(itemId);
    begun.clear();
  }

  return {
    async read(batchId) {
      const current = reading.get(batchId);
      if (current === undefined) return await start(batchId);
      current.next ??= behind(batchId, current);
      return await current.next;
    },
    isHeard: (batchId) => entries.has(batchId),
    drop,
    get size() {
      return entries.size;
    },
  };

  async function behind(batchId: string, current: Reading): Promise<RunningBatch | undefined> {
    const batch = await current.now.catch(() => undefined);
    if (!batch?.whole) return await start(batchId);
    // Nothing comes of it any more.
    reading.delete(batchId);
    return batch;
  }

  function start(batchId: string): Promise<RunningBatch | undefined> {
    const now = update(batchId).finally(() => {
      if (reading.get(batchId)?.now === now && reading.get(batchId)?.next === undefined) reading.delete(batchId);
    });
    reading.set(batchId, { now, next: undefined });
    return now;
  }
}

/** What comes unread while it is read stays so. */
async function readUnread(
  entry: Entry,
  unread: "endsUnread" | "beginsUnread",
  read: () => Promise<void>,
): Promise<void> {
  entry[unread] = false;
  try {
    await read();
  } catch (error) {
    entry[unread] = true;
    throw error;
  }
}
