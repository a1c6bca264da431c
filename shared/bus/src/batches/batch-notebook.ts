/**
 * The batch notebook: what is written down of batches while they are on their way, in the bucket `batches`. Everybody who has to do with
 * batches reads and writes it here, so there is one form of each note, whoever wrote it.
 *
 * Of a batch it holds what was asked (its record, without which nobody can tell how many items it has) and that it is
 * cancelled, which is the whole request to cancel it. A batch of one item of one segment has no record here while all
 * goes well: the messages that it is made of say what was asked (lone-batches). Of a live session it holds who works on
 * it. Beside that it holds what a caller's idempotency key stands for, and how often a job was begun without coming to
 * an end. Every note ends with RESULT_TTL, or sooner where there is no room (`spentNotes`).
 */
import {
  type BatchRecord,
  batchEntries,
  batchKeys,
  batchRecordSchema,
  buckets,
  type LiveSession,
  type SubmissionClaim,
  streams,
  subjects,
} from "@parlance/contracts";
import * as z from "zod";
import { bucketStream, type KeyBucket } from "../keys/key-bucket.ts";
import { isGone } from "../keys/watch-keys.ts";
import type { StoredMessage, StreamState } from "../streams/messages.ts";
import type { Bus } from "../types.ts";
import { type CancelledBatches, type FollowOptions, followCancelled } from "./cancelled-batches.ts";
import { earlierArrival, findLone, type LoneReader, loneEnd, recordBehindIntake } from "./lone-batches.ts";
import { createUnheardOf } from "./unheard-of.ts";

export interface BatchNotebook {
  /** What was asked, wherever it stands; undefined for a batch that nobody knows. Throws `internal` where it cannot be read. */
  read(batchId: string): Promise<BatchRecord | undefined>;
  /** As `read`, with where it stands. */
  find(batchId: string): Promise<FoundBatch | undefined>;
  has(batchId: string): Promise<boolean>;
  /** Whose the batch id is, before the message that INTAKE has as `seq`; without it, before one that is yet to be stored. */
  ownerOf(batchId: string, seq?: number): Promise<BatchOwner | undefined>;
  /** The record's revision, or undefined when the batch id is taken by another record. */
  enter(record: BatchRecord): Promise<number | undefined>;
  /** As `enter`, for whoever came by no message: undefined too where a message with the batch id is on its way, or was. */
  enterUnsent(record: BatchRecord): Promise<number | undefined>;
  /** Writes down what was asked of a batch that is known by its messages. False: the record that is here is another batch's. */
  keep(record: BatchRecord): Promise<boolean>;
  /** Whether everything is said of it: its summary is there, or the one message that is its end. */
  isConcluded(batchId: string): Promise<boolean>;
  /**
   * Writes a record anew by what it holds, again while others write it too. What is written down then, which `change` may have left as
   * it was; undefined for a batch that nobody knows.
   */
  revise(batchId: string, change: (record: BatchRecord) => BatchRecord): Promise<BatchRecord | undefined>;
  /** Takes a record back that nothing follows. */
  withdraw(batchId: string, revision: number): Promise<void>;
  /** Cancels what is left of a batch, which may not be known yet. `at`: milliseconds since the epoch. */
  cancel(batchId: string, at: number): Promise<void>;
  /** False when there is nothing left to cancel. */
  cancelUnfinished(batchId: string, at: number): Promise<boolean>;
  isCancelled(batchId: string): Promise<boolean>;
  /** Which batches are cancelled: one watch for all, so that asking costs nothing. */
  followCancelled(options: FollowOptions): CancelledBatches;
  /** For whoever adds to a record, by its revision. */
  readonly records: KeyBucket<BatchRecord>;
  /** Live sessions that are not concluded yet. */
  readonly sessions: KeyBucket<LiveSession>;
  /** Records that were written as `seq` or later, oldest first: whether each is of a session that goes on. */
  openSince(seq: number): AsyncIterable<{ batchId: string; open: boolean; seq: number; time: number }>;
  /** Records that were written as `seq` or later, oldest first, without those that cannot be read. */
  recordsSince(seq: number): AsyncIterable<{ record: BatchRecord; seq: number; time: number }>;
  /** The first of them that was written at a moment or later: milliseconds since the epoch → `seq`. */
  firstRecordAt(time: number): Promise<number | undefined>;
  /** What callers' idempotency keys stand for. */
  readonly claims: KeyBucket<SubmissionClaim>;
  /** Runs of a job, by its sequence in JOBS, that their workers did not survive: 0 is not written down. */
  readonly unfinishedRuns: { of(seq: number): Promise<number>; note(seq: number, runs: number): Promise<void> };
  /** Forgets a batch, as if it had never been asked for. */
  forget(batchId: string): Promise<void>;
  /** How much room the notes take. */
  state(): Promise<StreamState>;
  /** Notes that only remember, oldest first: what is left of deleted ones, and claims that were written before `claimsUntil`. */
  spentNotes(options: { until: number; claimsUntil: number }): AsyncIterable<string>;
  /** Removes a note that is spent. */
  strikeOut(note: string): Promise<void>;
  /** Writes what means nothing, to see whether anything can be written. */
  tryOut(): Promise<void>;
}

export interface FoundBatch {
  record: BatchRecord;
  /** Whether it is written down here. */
  kept: boolean;
}

/** `first`: a message that came before, of which nothing is written down yet. */
export type BatchOwner = { record: BatchRecord; kept: boolean } | { first: StoredMessage };

/** Any note by its whole key. Among the claims, so that one of them is spent like they are. */
const anyNote = { bucket: buckets.batches, prefix: "", schema: z.unknown() } as const;
/** As a record says it. No text of one can: a quotation mark in it has a backslash in front. */
const OPEN = '"open":true';
const everyRecord = `$KV.${buckets.batches}.${batchKeys.batch("*")}`;
const TRIAL = `${batchEntries.claim.prefix}check`;

export function openBatchNotebook(bus: LoneReader & Pick<Bus, "bucket" | "hasNone" | "read">): BatchNotebook {
  const records = bus.bucket(batchEntries.record);
  const cancelled = bus.bucket(batchEntries.cancelled);
  const unfinished = bus.bucket(batchEntries.unfinished);
  const notes = bus.bucket(anyNote);
  const stream = bucketStream(buckets.batches);
  const isUnheardOf = createUnheardOf(bus);

  async function find(batchId: string): Promise<FoundBatch | undefined> {
    const kept = await records.get(batchId);
    if (kept !== undefined) return { record: kept.value, kept: true };
    const lone = await findLone(bus, batchId);
    if (lone !== undefined) return { record: lone, kept: false };
    // It turned out to be more than that while it was looked for.
    const since = await records.get(batchId);
    return since && { record: since.value, kept: true };
  }

  async function keep(record: BatchRecord): Promise<boolean> {
    if ((await records.create(record.batchId, record)) !== undefined) return true;
    const kept = await records.get(record.batchId);
    return kept !== undefined && isSame(kept.value, record);
  }

  async function isConcluded(batchId: string): Promise<boolean> {
    if ((await bus.last(streams.results, subjects.summary(batchId))) !== undefined) return true;
    return (await loneEnd(bus, batchId)) !== undefined;
  }

  async function cancel(batchId: string, at: number): Promise<void> {
    await cancelled.put(batchId, at);
  }

  return {
    read: async (batchId) => (await find(batchId))?.record,
    find,
    has: async (batchId) => (await records.has(batchId)) || (await find(batchId)) !== undefined,
    async ownerOf(batchId, seq) {
      const first = seq === undefined ? undefined : await earlierArrival(bus, batchId, seq);
      if (first === undefined && (await isUnheardOf(batchId))) return undefined;
      const [kept, record] = await Promise.all([records.get(batchId), recordBehindIntake(bus, batchId)]);
      if (kept !== undefined) return { record: kept.value, kept: true };
      if (record !== undefined) return { record, kept: false };
      return first && { first };
    },
    enter: (record) => records.create(record.batchId, record),
    async enterUnsent(record) {
      const { batchId } = record;
      const revision = await records.create(batchId, record);
      // Written first, then looked: a message that comes behind this look finds the record, and is refused.
      if (revision === undefined || (await findLone(bus, batchId)) === undefined) return revision;
      await records.delete(batchId, revision);
      return undefined;
    },
    keep,
    isConcluded,
    async revise(batchId, change) {
      for (;;) {
        const found = await records.get(batchId);
        if (found === undefined) return undefined;
        const changed = change(found.value);
        if (changed === found.value) return changed;
        if ((await records.update(batchId, changed, found.revision)) !== undefined) return changed;
      }
    },
    async withdraw(batchId, revision) {
      await records.delete(batchId, revision);
    },
    cancel,
    async cancelUnfinished(batchId, at) {
      if (await isConcluded(batchId)) return false;
      await cancel(batchId, at);
      return true;
    },
    isCancelled: (batchId) => cancelled.has(batchId),
    followCancelled: (options) => followCancelled(cancelled, options),
    records,
    sessions: bus.bucket(batchEntries.session),
    async *openSince(fromSeq) {
      for await (const { subject: key, data, seq, time } of bus.read({ stream, subject: everyRecord, fromSeq })) {
        yield { batchId: key.split(".").at(-1) ?? "", open: Buffer.from(data).includes(OPEN), seq, time };
      }
    },
    async *recordsSince(fromSeq) {
      for await (const { data, headers, seq, time } of bus.read({ stream, subject: everyRecord, fromSeq })) {
        if (isGone(headers)) continue;
        const record = batchRecordSchema.safeParse(jsonOf(data));
        if (record.success) yield { record: record.data, seq, time };
      }
    },
    firstRecordAt: async (time) => (await bus.first(stream, everyRecord, { time: new Date(time) }))?.seq,
    claims: bus.bucket(batchEntries.claim),
    unfinishedRuns: {
      of: async (seq) => (await unfinished.get(String(seq)))?.value ?? 0,
      async note(seq, runs) {
        if (runs > 0) await unfinished.put(String(seq), runs);
        else await unfinished.delete(String(seq));
      },
    },
    async forget(batchId) {
      await records.purge(batchId);
      await cancelled.purge(batchId);
    },
    state: () => records.state(),
    async *spentNotes({ until, claimsUntil }) {
      const prefix = `$KV.${buckets.batches}.`;
      for await (const { subject, headers, time } of bus.read({ stream, subject: `${prefix}>`, headersOnly: true })) {
        if (time > until) return;
        const note = subject.slice(prefix.length);
        if (isGone(headers) || (note.startsWith(batchEntries.claim.prefix) && time <= claimsUntil)) yield note;
      }
    },
    strikeOut: (note) => notes.purge(note),
    async tryOut() {
      await notes.put(TRIAL, null);
    },
  };
}

function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(data).toString());
  } catch {
    return undefined;
  }
}

/** The gateway writes its own records before their messages, so those name none. */
function isSame(kept: BatchRecord, record: BatchRecord): boolean {
  if (kept.source !== record.source || kept.open) return false;
  return kept.intake === undefined ? kept.source === undefined : kept.intake.seq === record.intake?.seq;
}
