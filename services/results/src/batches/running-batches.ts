/**
 * Batches whose status was asked for while they go on. The first question reads what the streams hold of a batch; from then on what comes
 * of it is heard. Done events that this process stored itself are known here (own-ends); of another's it is heard that there are some, and
 * they are read. What is kept here are caches: without them the whole batch is read again.
 */
import type { Bus } from "@parlance/bus";
import {
  type BatchRecord,
  parseDoneSubject,
  parseProgressSubject,
  parseResultSubject,
  streams,
  subjects,
} from "@parlance/contracts";
import { readDoneHeaders } from "./done-headers.ts";
import { type Heard, hearBatch, saysBegun } from "./hear-batch.ts";
import type { OwnEnds } from "./own-ends.ts";
import { createRunningBatch, type RunningBatch } from "./running-batch.ts";

export interface RunningBatches {
  /** With all that is stored by now; undefined for a batch that nobody knows. */
  read(batchId: string): Promise<RunningBatch | undefined>;
  /** Whether it was read a moment ago, and something of it was left to do then. */
  isUnfinished(batchId: string): boolean;
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
  /** Milliseconds after which it is looked again whether a batch is still known. Default 10 000. */
  freshMs?: number;
}

interface Entry {
  batch: RunningBatch;
  open: boolean;
  /** There may be done events that were not heard. */
  endsUnread: boolean;
  /** The same of passes that have begun. */
  beginsUnread: boolean;
  heard: Heard;
  /** Of the record, by the monotonic clock. */
  askedAt: number;
  usedAt: number;
  nextSeq: { done: number; results: number };
}

const UNUSED_MS = 60_000;
/** What was published so long ago, and is not stored, never will be. */
const STORED_MS = 30_000;

export function createRunningBatches(options: RunningBatchesOptions): RunningBatches {
  const { bus, find, ownEnds, signal, mostItems = 20_000, freshMs = 10_000 } = options;
  const entries = new Map<string, Entry>();
  /** Of each batch that is read now, and of the reading after that, which sees what is stored meanwhile. */
  const reading = new Map<string, { now: Promise<unknown>; next: Promise<RunningBatch | undefined> | undefined }>();

  ownEnds.follow((batchId, itemId, said) => {
    const entry = entries.get(batchId);
    if (said !== undefined) entry?.batch.take(itemId, said);
    else entry?.heard.ended.set(itemId, performance.now());
  });
  const stopLooking = bus.onConnection(() => {
    for (const entry of entries.values()) Object.assign(entry, { endsUnread: true, beginsUnread: true });
  });
  signal.addEventListener("abort", () => {
    stopLooking();
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
    const read = await Promise.allSettled([readEnds(batchId, entry), readBegins(batchId, entry)]);
    for (const each of read) if (each.status === "rejected") throw each.reason;
    return entry.batch;
  }

  async function entryOf(batchId: string): Promise<Entry | undefined> {
    const now = performance.now();
    const known = entries.get(batchId);
    if (known?.open === false) {
      if (now - known.askedAt > freshMs) void lookAgain(batchId, known);
      return used(batchId, known, now);
    }
    // Heard before it is asked for: the answer comes when the server has heard of both.
    const heard = known?.heard ?? hear(batchId);
    let record: BatchRecord | undefined;
    try {
      record = await find(batchId);
      signal.throwIfAborted();
    } finally {
      if (record === undefined) {
        heard.close();
        drop(batchId);
      }
    }
    if (record === undefined) return undefined;
    const entry: Entry = known ?? {
      ...{ batch: createRunningBatch(record), heard, open: false, endsUnread: true, beginsUnread: true },
      ...{ askedAt: now, usedAt: now, nextSeq: { done: 1, results: 1 } },
    };
    if (known === undefined && !heard.over) entries.set(batchId, entry);
    entry.batch.asked(record);
    Object.assign(entry, { open: record.open === true, askedAt: now });
    return used(batchId, entry, now);
  }

  /** A record may be forgotten, or expire, behind our back. Nobody waits for this. */
  async function lookAgain(batchId: string, entry: Entry): Promise<void> {
    entry.askedAt = performance.now();
    // Where it cannot be told now, it is looked again after the same time.
    const isThere = await find(batchId).then(
      (record) => record !== undefined,
      () => true,
    );
    if (!isThere && entries.get(batchId) === entry) drop(batchId);
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

  async function readEnds(batchId: string, entry: Entry): Promise<void> {
    forgetSeen(entry);
    if (!entry.endsUnread && entry.heard.ended.size === 0) return;
    entry.endsUnread = false;
    try {
      await readNewDone(batchId, entry);
    } catch (error) {
      entry.endsUnread = true;
      throw error;
    }
    forgetSeen(entry);
  }

  function forgetSeen({ batch, heard: { ended } }: Entry): void {
    const old = performance.now() - STORED_MS;
    for (const [itemId, at] of ended) if (at < old || batch.isDone(itemId)) ended.delete(itemId);
  }

  async function readNewDone(batchId: string, { batch, nextSeq }: Entry): Promise<void> {
    const events = { stream: streams.results, subject: subjects.batchDone(batchId), headersOnly: true };
    for await (const { subject, headers, seq } of bus.read({ ...events, fromSeq: nextSeq.done, toNewest: true })) {
      batch.take(parseDoneSubject(subject)?.itemId ?? "", readDoneHeaders(headers));
      nextSeq.done = seq + 1;
    }
  }

  /** Progress is forgotten with its server; what it told before is seen in the results. */
  async function readBegins(batchId: string, entry: Entry): Promise<void> {
    const { batch, heard } = entry;
    if (entry.beginsUnread) {
      entry.beginsUnread = false;
      try {
        await Promise.all([readProgress(batchId, entry), readResults(batchId, entry)]);
      } catch (error) {
        entry.beginsUnread = true;
        throw error;
      }
    }
    for (const itemId of heard.begun) batch.begin(itemId);
    heard.begun.clear();
  }

  async function readProgress(batchId: string, { batch }: Entry): Promise<void> {
    const told = { stream: streams.progress, subject: subjects.progress(batchId, "*"), toNewest: true };
    for await (const { subject, data } of bus.read(told)) {
      if (saysBegun(data)) batch.begin(parseProgressSubject(subject)?.itemId ?? "");
    }
  }

  async function readResults(batchId: string, { batch, nextSeq }: Entry): Promise<void> {
    const results = { stream: streams.results, subject: `speech.result.${batchId}.>`, headersOnly: true };
    for await (const { subject, seq } of bus.read({ ...results, fromSeq: nextSeq.results, toNewest: true })) {
      batch.begin(parseResultSubject(subject)?.itemId ?? "");
      nextSeq.results = seq + 1;
    }
  }

  return {
    async read(batchId) {
      const current = reading.get(batchId);
      if (current === undefined) return await start(batchId);
      current.next ??= current.now.then(
        () => start(batchId),
        () => start(batchId),
      );
      return await current.next;
    },
    isUnfinished: (batchId) => entries.get(batchId)?.batch.whole === false,
    drop,
    get size() {
      return entries.size;
    },
  };

  function start(batchId: string): Promise<RunningBatch | undefined> {
    const now = update(batchId).finally(() => {
      if (reading.get(batchId)?.now === now && reading.get(batchId)?.next === undefined) reading.delete(batchId);
    });
    reading.set(batchId, { now, next: undefined });
    return now;
  }
}
