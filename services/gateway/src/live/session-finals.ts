/**
 * What is final of a session: the done events of its utterances, told in the order in which they were spoken, once each. They come by a
 * subscription. One that was missed is read from RESULTS when the connection is back, or when an utterance's end is overdue.
 */
import type { BatchNotebook, Bus, FileStore } from "@parlance/bus";
import {
  type Failure,
  type ItemDone,
  itemDoneSchema,
  parseDoneSubject,
  SAMPLE_RATE,
  SpeechError,
  streams,
  subjects,
  type Transcript,
  toSpeechError,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { transcriptOf } from "../batch/interactive.ts";

/** One utterance's end. Times in seconds from the session's first sample; those of words are from the utterance's beginning. */
export type LiveFinal = {
  itemId: string;
  start: number;
  end: number;
  done: ItemDone;
} & ({ transcript: Transcript; failure?: undefined } | { transcript?: undefined; failure: Failure });

export interface SessionFinalsOptions {
  bus: Pick<Bus, "subscribe" | "last" | "onConnection">;
  notebook: Pick<BatchNotebook, "read">;
  files: FileStore;
  log: Log;
  sessionId: string;
  /** The number of the first utterance that is to be told, of a session that was there before; undefined: it is new. */
  from: number | undefined;
  tell: (final: LiveFinal) => void;
  /** All that there are were told. */
  onAll: () => void;
}

export interface SessionFinals {
  /** An utterance is complete: its end will come. */
  expect(itemId: string, where: { start: number; end: number }): void;
  /** There are so many utterances in all. */
  total(utterances: number): void;
  close(): void;
}

const LOOK_MS = 2_000;

export function createSessionFinals(options: SessionFinalsOptions): SessionFinals {
  const { bus, notebook, files, log, sessionId, tell, onAll } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const where = new Map<string, { start: number; end: number }>();
  const waiting = new Map<string, ItemDone>();
  let next = options.from ?? 0;
  /** Up to which number they are known to come. */
  let expected = 0;
  let total: number | undefined;
  let looking: NodeJS.Timeout | undefined;
  let telling = Promise.resolve();

  function take(itemId: string, data: Uint8Array): void {
    if (!/^\d+$/.test(itemId) || Number(itemId) < next || waiting.has(itemId)) return;
    waiting.set(itemId, itemDoneSchema.parse(JSON.parse(Buffer.from(data).toString())));
    expected = Math.max(expected, Number(itemId) + 1);
    tellSoon();
  }

  /** One at a time, so that the order stays. */
  function tellSoon(): void {
    telling = telling.then(tellWaiting).catch(failed);
  }

  /** What could not be read is looked for again. */
  function failed(error: unknown): void {
    if (signal.aborted) return;
    log.warn({ err: error, sessionId }, "what is final of a session cannot be told yet");
    lookLater();
  }

  async function tellWaiting(): Promise<void> {
    for (;;) {
      const itemId = String(next);
      const done = waiting.get(itemId);
      if (signal.aborted) return;
      if (done === undefined) break;
      const place = where.get(itemId) ?? (await placeOf(itemId));
      const said = await saidIn(done);
      if (signal.aborted) return;
      waiting.delete(itemId);
      where.delete(itemId);
      next += 1;
      tell({ itemId, ...place, done, ...said });
    }
    if (total !== undefined && next >= total) finish();
    else if (expected > next || total !== undefined) lookLater();
  }

  async function saidIn(done: ItemDone): Promise<{ transcript: Transcript } | { failure: Failure }> {
    try {
      return { transcript: await transcriptOf(done, { files }) };
    } catch (error) {
      const known = toSpeechError(error);
      // What cannot be read now may be there in a moment.
      if (known.code === "bus_unavailable") throw known;
      return { failure: known.toFailure() };
    }
  }

  async function placeOf(itemId: string): Promise<{ start: number; end: number }> {
    const record = await notebook.read(sessionId);
    const item = record?.items.find((each) => each.itemId === itemId);
    if (item?.start === undefined) throw new SpeechError("internal", `Nothing is known of the utterance ${itemId}.`);
    return { start: item.start / SAMPLE_RATE, end: (item.start + (item.samples ?? 0)) / SAMPLE_RATE };
  }

  function lookLater(): void {
    if (looking !== undefined || signal.aborted) return;
    looking = setTimeout(lookNow, LOOK_MS);
  }

  function lookNow(): void {
    clearTimeout(looking);
    looking = undefined;
    look().catch(failed).finally(tellSoon);
  }

  async function look(): Promise<void> {
    for (let number = next; !signal.aborted; number += 1) {
      if (waiting.has(String(number))) continue;
      const found = await bus.last(streams.results, subjects.done(sessionId, String(number)));
      if (found === undefined) return;
      take(String(number), found.data);
    }
  }

  async function listen(): Promise<void> {
    for await (const { subject, data } of bus.subscribe(subjects.batchDone(sessionId), signal)) {
      try {
        take(parseDoneSubject(subject)?.itemId ?? "", data);
      } catch (error) {
        failed(error);
      }
    }
  }

  function finish(): void {
    if (signal.aborted) return;
    close();
    onAll();
  }

  function close(): void {
    clearTimeout(looking);
    stopWatching();
    closing.abort();
  }

  const stopWatching = bus.onConnection((connected) => {
    if (connected) lookNow();
  });
  listen().catch(failed);
  if (options.from !== undefined) lookNow();

  return {
    expect(itemId, place) {
      where.set(itemId, place);
      expected = Math.max(expected, Number(itemId) + 1);
      lookLater();
    },
    total(utterances) {
      total = utterances;
      tellSoon();
    },
    close,
  };
}
