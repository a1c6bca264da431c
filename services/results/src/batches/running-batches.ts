/**
 * Batches whose status was asked for while they go on. A question reads what the streams hold since the question before, so all of them
 * together read a batch once, however often they come. Done events that this process stored itself are known here (own-ends), and the
 * others heard of: where none came, none is read. What is kept here are caches: without them the whole batch is read again.
 */
import type { Bus } from "@parlance/bus";
import {
  type BatchRecord,
  parseDoneSubject,
  parseResultSubject,
  progressSchema,
  SpeechError,
  streams,
  subjects,
} from "@parlance/contracts";
import { readDoneHeaders } from "./done-headers.ts";
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
  bus: Pick<Bus, "read" | "streamState" | "subscribe" | "flush" | "onConnection">;
  ownEnds: OwnEnds;
  /** Ends what is listened to. */
  signal: AbortSignal;
  /** What was asked; undefined for a batch that nobody knows. */
  find(batchId: string): Promise<BatchRecord | undefined>;
  /** Items of all batches together: some hundred bytes each. Default 20 000. */
  mostItems?: number;
}

interface Entry {
  batch: RunningBatch;
  open: boolean;
  /** There may be done events that are not known here. */
  unread: boolean;
  /** Items whose end was heard, and not seen yet, with when: it is heard before it is stored, and may be refused. */
  heard: Map<string, number>;
  listening: AbortController;
  /** Of the record, by the monotonic clock. */
  askedAt: number;
  usedAt: number;
  /** When it was seen that progress is told by the same server as before. */
  progressAt: number | undefined;
  /** Newest sequence of progress then. */
  progressSeq: number;
  nextSeq: { done: number; results: number; progress: number };
}

/** A record may be forgotten, or expire, behind our back. */
const RECORD_FRESH_MS = 10_000;
const UNUSED_MS = 60_000;
const MOST_TRIES = 4;
/** What was published so long ago, and is not stored, never will be. */
const STORED_MS = 30_000;

export function createRunningBatches(options: RunningBatchesOptions): RunningBatches {
  const { bus, find, ownEnds, signal, mostItems = 20_000 } = options;
  const entries = new Map<string, Entry>();
  /** Of each batch that is read now, and of the reading after that, which sees what is stored meanwhile. */
  const reading = new Map<string, { now: Promise<unknown>; next: Promise<RunningBatch | undefined> | undefined }>();

  ownEnds.follow((batchId, itemId, said) => {
    const entry = entries.get(batchId);
    if (said !== undefined) entry?.batch.take(itemId, said);
    else entry?.heard.set(itemId, performance.now());
  });
  const stopLooking = bus.onConnection(() => {
    for (const entry of entries.values()) Object.assign(entry, { unread: true, progressAt: undefined });
  });
  signal.addEventListener("abort", () => {
    stopLooking();
    for (const batchId of [...entries.keys()]) drop(batchId);
  });

  /** Hears of each event before it is stored, and so before whoever may ask for it. */
  async function listen(batchId: string, entry: Entry): Promise<void> {
    for await (const { subject } of bus.subscribe(subjects.batchDone(batchId), entry.listening.signal)) {
      const { itemId = "" } = parseDoneSubject(subject) ?? {};
      if (!entry.batch.isDone(itemId) && !ownEnds.isUnderWay(batchId, itemId))
        entry.heard.set(itemId, performance.now());
    }
  }

  function drop(batchId: string): void {
    entries.get(batchId)?.listening.abort();
    entries.delete(batchId);
  }

  async function update(batchId: string): Promise<RunningBatch | undefined> {
    const entry = await entryOf(batchId);
    if (entry === undefined) return undefined;
    const read = await Promise.allSettled([readDone(batchId, entry), readBegun(batchId, entry)]);
    for (const each of read) if (each.status === "rejected") throw each.reason;
    return entry.batch;
  }

  async function entryOf(batchId: string): Promise<Entry | undefined> {
    const now = performance.now();
    const known = entries.get(batchId);
    if (known !== undefined && !known.open && now - known.askedAt < RECORD_FRESH_MS) return used(batchId, known, now);
    const record = await find(batchId);
    if (record === undefined) {
      drop(batchId);
      return undefined;
    }
    known?.batch.asked(record);
    const entry = await enter(batchId, record);
    Object.assign(entry, { open: record.open === true, unread: true, askedAt: now });
    return used(batchId, entry, now);
  }

  /** One that is listened to. */
  async function enter(batchId: string, record: BatchRecord): Promise<Entry> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const known = entries.get(batchId);
      if (known !== undefined) return known;
      const now = performance.now();
      const times = { askedAt: now, usedAt: now, progressAt: undefined, progressSeq: 0 };
      const nextSeq = { done: 1, results: 1, progress: 1 };
      const entry: Entry = {
        ...{ batch: createRunningBatch(record), listening: new AbortController(), heard: new Map() },
        ...{ open: record.open === true, unread: true, ...times, nextSeq },
      };
      entries.set(batchId, entry);
      void listen(batchId, entry).catch(() => {
        if (entries.get(batchId) === entry) drop(batchId);
      });
      // It may be dropped meanwhile, where many are asked for.
      await bus.flush();
      if (entries.get(batchId) === entry) return entry;
      signal.throwIfAborted();
    }
    throw new SpeechError("bus_unavailable", "A batch's events cannot be heard.");
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

  async function readDone(batchId: string, entry: Entry): Promise<void> {
    forgetSeen(entry);
    if (!entry.unread && entry.heard.size === 0) return;
    entry.unread = false;
    try {
      await readNewDone(batchId, entry);
    } catch (error) {
      entry.unread = true;
      throw error;
    }
    forgetSeen(entry);
  }

  function forgetSeen({ batch, heard }: Entry): void {
    const old = performance.now() - STORED_MS;
    for (const [itemId, at] of heard) if (at < old || batch.isDone(itemId)) heard.delete(itemId);
  }

  async function readNewDone(batchId: string, { batch, nextSeq }: Entry): Promise<void> {
    const events = { stream: streams.results, subject: subjects.batchDone(batchId), headersOnly: true };
    for await (const { subject, headers, seq } of bus.read({ ...events, fromSeq: nextSeq.done, toNewest: true })) {
      batch.take(parseDoneSubject(subject)?.itemId ?? "", readDoneHeaders(headers));
      nextSeq.done = seq + 1;
    }
  }

  async function readBegun(batchId: string, entry: Entry): Promise<void> {
    const { batch, nextSeq } = entry;
    const now = performance.now();
    if (entry.progressAt === undefined || now - entry.progressAt > RECORD_FRESH_MS) {
      // It begins anew with its server. What it told before is seen in the results.
      const { lastSeq } = await bus.streamState(streams.progress);
      if (entry.progressAt === undefined || lastSeq < entry.progressSeq) {
        nextSeq.progress = 1;
        await readResults(batchId, entry);
      }
      Object.assign(entry, { progressAt: now, progressSeq: lastSeq });
    }
    const told = { stream: streams.progress, subject: subjects.progress(batchId, "*"), toNewest: true };
    for await (const { subject, data, seq } of bus.read({ ...told, fromSeq: nextSeq.progress })) {
      const progress = progressSchema.safeParse(parseJson(data)).data;
      if (progress?.state === "running" || progress?.state === "segment") batch.begin(subject.split(".")[3] ?? "");
      nextSeq.progress = seq + 1;
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

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}
