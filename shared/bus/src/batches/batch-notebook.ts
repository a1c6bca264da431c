/**
 * The batch notebook: what is written down of batches while they are on their way, in the bucket `batches`. Everybody who has to do with
 * batches reads and writes it here, so there is one form of each note, whoever wrote it.
 *
 * Of a batch it holds what was asked (its record, without which nobody can tell how many items it has) and that it is cancelled, which
 * is the whole request to cancel it. Of a live session it holds who works on it. Beside that it holds what a caller's idempotency key stands for, and how often a job was begun
 * without coming to an end. Every note ends with RESULT_TTL, or sooner where there is no room (`spentNotes`).
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
import type { StreamState } from "../streams/messages.ts";
import type { Bus } from "../types.ts";
import { type CancelledBatches, type FollowOptions, followCancelled } from "./cancelled-batches.ts";

export interface BatchNotebook {
  /** What was asked; undefined for a batch that nobody knows. Throws `internal` where it cannot be read. */
  read(batchId: string): Promise<BatchRecord | undefined>;
  has(batchId: string): Promise<boolean>;
  /** The record's revision, or undefined when the batch id is taken. */
  enter(record: BatchRecord): Promise<number | undefined>;
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
  recordsSince(seq: number): AsyncIterable<{ record: BatchRecord; seq: number }>;
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

/** Any note by its whole key. Among the claims, so that one of them is spent like they are. */
const anyNote = { bucket: buckets.batches, prefix: "", schema: z.unknown() } as const;
/** As a record says it. No text of one can: a quotation mark in it has a backslash in front. */
const OPEN = '"open":true';
const TRIAL = `${batchEntries.claim.prefix}check`;

export function openBatchNotebook(bus: Pick<Bus, "bucket" | "last" | "read">): BatchNotebook {
  const records = bus.bucket(batchEntries.record);
  const cancelled = bus.bucket(batchEntries.cancelled);
  const unfinished = bus.bucket(batchEntries.unfinished);
  const notes = bus.bucket(anyNote);
  const stream = bucketStream(buckets.batches);

  async function cancel(batchId: string, at: number): Promise<void> {
    await cancelled.put(batchId, at);
  }

  return {
    read: async (batchId) => (await records.get(batchId))?.value,
    has: (batchId) => records.has(batchId),
    enter: (record) => records.create(record.batchId, record),
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
      if ((await bus.last(streams.results, subjects.summary(batchId))) !== undefined) return false;
      await cancel(batchId, at);
      return true;
    },
    isCancelled: (batchId) => cancelled.has(batchId),
    followCancelled: (options) => followCancelled(cancelled, options),
    records,
    sessions: bus.bucket(batchEntries.session),
    async *openSince(fromSeq) {
      const subject = `$KV.${buckets.batches}.${batchKeys.batch("*")}`;
      for await (const { subject: key, data, seq, time } of bus.read({ stream, subject, fromSeq })) {
        yield { batchId: key.split(".").at(-1) ?? "", open: Buffer.from(data).includes(OPEN), seq, time };
      }
    },
    async *recordsSince(fromSeq) {
      const subject = `$KV.${buckets.batches}.${batchKeys.batch("*")}`;
      for await (const { data, headers, seq } of bus.read({ stream, subject, fromSeq })) {
        if (isGone(headers)) continue;
        const record = batchRecordSchema.safeParse(jsonOf(data));
        if (record.success) yield { record: record.data, seq };
      }
    },
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
