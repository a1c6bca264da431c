/**
 * What is written down of a session: its entry, its batch's record, and its utterances' jobs. In this order, so that whatever dies
 * loses and doubles nothing:
 *
 *   the record gets the utterance → its job is published → the entry moves on
 *
 * Whoever takes a session over finds in its record what may have no job yet, and hears just that again. Each write names the revision that
 * it follows: one who was stopped for a while and no longer holds the session is `Fenced`, and writes nothing more.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { BatchNotebook, Bus, KeyBucket } from "@parlance/bus";
import { type BatchRecord, type LiveSession, SpeechError, streams, subjects, writeHeaders } from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { noWishes, type TranscriptionWishes } from "../intake/intake-batch.ts";
import { nothingQueued } from "../items/already-queued.ts";
import { keptBefore } from "../items/keep-record.ts";
import { bytesOf, createJobPublisher, headersOf } from "../items/publish-jobs.ts";
import { publishPatiently } from "../items/publish-patiently.ts";

/** Another instance holds the session: let go of it, and say nothing. */
export class Fenced extends Error {
  override readonly name = "Fenced";
}

/** Where an utterance lies in its session, in samples at SAMPLE_RATE. */
export interface Span {
  start: number;
  samples: number;
}

export interface RecordedUtterance extends Span {
  itemId: string;
}

export interface UtteranceBook {
  readonly entry: LiveSession;
  /** How many utterances are in the record. */
  readonly recorded: number;
  /** Up to where they reach, in samples at SAMPLE_RATE. */
  readonly recordedTo: number;
  /** The record takes no more: somebody closed it. */
  readonly isClosed: boolean;
  /** Of those in the record beyond the entry: the ones that came to nothing yet. */
  unpublished(): Promise<RecordedUtterance[]>;
  /** Where the last one in the record that the entry does not know ends; undefined where it knows all. */
  readonly unsettledTo: number | undefined;
  /** Adds an utterance to the record. Returns its item id. */
  add(span: Span, customId: string | undefined): Promise<string>;
  publish(
    itemId: string,
    samples: Int16Array,
    wishes: TranscriptionWishes,
    customId: string | undefined,
  ): Promise<void>;
  /** Its audio cannot be heard any more. */
  lose(itemId: string, customId: string | undefined): Promise<void>;
  /** Changes the entry. With `rest` all that is recorded is settled. */
  move(to: Partial<Pick<LiveSession, "position" | "rest" | "frame" | "wishes">>): Promise<void>;
  /** Throws `Fenced` where another one holds the session. */
  confirm(): Promise<void>;
  /** No utterance follows. */
  close(): Promise<void>;
  /** The session is concluded: nobody need know it. */
  remove(): Promise<void>;
}

export interface UtteranceBookOptions {
  bus: Bus;
  notebook: Pick<BatchNotebook, "records" | "sessions">;
  entry: LiveSession;
  /** Of the entry. */
  revision: number;
  record: { value: BatchRecord; revision: number };
  /** SEGMENT_SECONDS. */
  segmentSeconds: number;
  log: Log;
  now: () => number;
  signal: AbortSignal;
}

const RETRY_MS = 250;

export function createUtteranceBook(options: UtteranceBookOptions): UtteranceBook {
  const { bus, notebook, segmentSeconds, log, now, signal } = options;
  const { sessionId, holder } = options.entry;
  let entry = { value: options.entry, revision: options.revision };
  let record = options.record;

  /** Writes what `change` makes of the newest value, for as long as this instance holds the session. */
  async function write<Value>(
    bucket: KeyBucket<Value>,
    known: { value: Value; revision: number },
    change: (value: Value) => Value,
  ): Promise<{ value: Value; revision: number }> {
    for (let from = known; ; ) {
      signal.throwIfAborted();
      try {
        const value = change(from.value);
        const revision = await bucket.update(sessionId, value, from.revision);
        if (revision !== undefined) return { value, revision };
        // Written by another one, or by this one, which did not hear that it was.
        await requireHeld();
        const newest = await bucket.get(sessionId);
        if (newest === undefined) throw new Fenced();
        from = newest;
      } catch (error) {
        await waitFor(error);
      }
    }
  }

  async function requireHeld(): Promise<void> {
    const newest = await notebook.sessions.get(sessionId);
    if (newest?.value.holder !== holder) throw new Fenced();
  }

  /** NATS may be away or full: it is waited for. */
  async function waitFor(error: unknown): Promise<void> {
    signal.throwIfAborted();
    if (!(error instanceof SpeechError) || !error.retryable) throw error;
    await pause(RETRY_MS, undefined, { signal });
  }

  const items = () => record.value.items;
  const endOf = (item: BatchRecord["items"][number] | undefined) => (item?.start ?? 0) + (item?.samples ?? 0);

  return {
    get entry() {
      return entry.value;
    },
    get recorded() {
      return items().length;
    },
    get recordedTo() {
      return endOf(items().at(-1));
    },
    get isClosed() {
      return record.value.open !== true;
    },
    get unsettledTo() {
      const last = items().slice(entry.value.utterances).at(-1);
      return last && endOf(last);
    },
    async unpublished() {
      const missing: RecordedUtterance[] = [];
      for (const { itemId, start = 0, samples = 0 } of items().slice(entry.value.utterances)) {
        const jobs = await bus.countSubjects(streams.jobs, subjects.itemJobs(sessionId, itemId));
        const results = await bus.countSubjects(streams.results, subjects.itemResults(sessionId, itemId));
        const done = await bus.countSubjects(streams.results, subjects.done(sessionId, itemId));
        if (jobs.size + results.size + done.size === 0) missing.push({ itemId, start, samples });
      }
      return missing;
    },
    async add(span, customId) {
      const itemId = String(items().length);
      const named = customId === undefined ? {} : { customId };
      const item = { itemId, operation: "transcribe" as const, ...named, ...span };
      record = await write(notebook.records, record, (value) => {
        if (value.open !== true) throw new SpeechError("session_ended");
        return value.items.some((known) => known.itemId === itemId)
          ? value
          : { ...value, items: [...value.items, item] };
      });
      return itemId;
    },
    async publish(itemId, samples, wishes, customId) {
      const subject = subjects.job("transcribe", "realtime", sessionId, itemId, 0);
      const fields = { customId, submittedAt: now(), ...headersOf(wishes), start: 0, segmentSeconds, last: true };
      const messageId = `${sessionId}.${itemId}.0`;
      // Where there is one already it is of the same samples: those that the record names.
      await publishPatiently(bus, subject, bytesOf(samples), {
        headers: writeHeaders(fields),
        messageId,
        first: true,
        log,
        signal,
      });
    },
    async lose(itemId, customId) {
      const queued = nothingQueued;
      const publisher = createJobPublisher({ bus, record: record.value, keeper: keptBefore, queued, log, now, signal });
      const item = { itemId, customId, operation: "transcribe" as const, wishes: noWishes, audio: undefined };
      await publisher.failure(item, 0, new SpeechError("audio_lost"));
    },
    async move(to) {
      const settled = to.rest === undefined ? {} : { utterances: items().length };
      entry = await write(notebook.sessions, entry, (value) => ({ ...value, ...to, ...settled }));
    },
    confirm: requireHeld,
    async close() {
      entry = await write(notebook.sessions, entry, (value) => ({ ...value, closed: true }));
      record = await write(notebook.records, record, ({ open, ...value }) => value);
    },
    async remove() {
      await notebook.sessions.delete(sessionId, entry.revision);
    },
  };
}
