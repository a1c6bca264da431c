/**
 * A live session as its publisher has it: frames go out on its subject, and what is told of it comes back.
 *
 * Frames are published without waiting for anybody. What is not final is kept, and goes out again when NATS was away, when another
 * instance of ingest goes on with the session, or when nothing of it is heard; positions make that harmless. So nothing that was sent
 * is lost with a connection or a process. What is kept, and what may be sent ahead, is bounded.
 */
import { frameSamples } from "@parlance/audio/live";
import type { BatchNotebook, Bus, FileStore } from "@parlance/bus";
import {
  type Failure,
  GATEWAY_SOURCE,
  type HeaderField,
  type LiveFormat,
  type LiveOptions,
  type LivePartial,
  type LiveSign,
  type LiveState,
  livePartialSchema,
  liveStateSchema,
  SpeechError,
  subjects,
  writeHeaders,
} from "@parlance/contracts";
import { createInputBudget } from "./input-budget.ts";
import { createKeptFrames, type KeptFrame } from "./kept-frames.ts";
import { endOf, type LiveEnd, type Resumption } from "./resume.ts";
import { createSessionFinals, type LiveFinal } from "./session-finals.ts";

export interface LiveEvents {
  /** Once: somebody hears it. `position`: from where on audio is to be sent, in samples at the session's own rate. */
  opened?(position: number): void;
  /** Everything that is told of its course, `closed` excepted. */
  state?(state: Exclude<LiveState, { type: "closed" }>): void;
  partial?(partial: LivePartial): void;
  /** In the order of the utterances. */
  final?(final: LiveFinal): void;
  /** Once, and last: all its finals were told, or it came to nothing. */
  ended?(end: LiveEnd): void;
}

export type LiveWishes = Partial<Omit<LiveOptions, "contentType">>;

export interface LiveSessionOptions {
  bus: Bus;
  notebook: BatchNotebook;
  files: FileStore;
  sessionId: string;
  format: LiveFormat;
  wishes: LiveWishes;
  events: LiveEvents;
  /** To go on with one that is there (`findLiveSession`). Default: a new one. */
  resume?: Resumption;
  /** Milliseconds of a clock that only goes forward. */
  now?: () => number;
}

export interface LiveSession {
  readonly sessionId: string;
  /** Where the next audio begins: samples at the session's own rate. */
  readonly position: number;
  /**
   * Audio that follows what came before; any number of bytes, where an encoding's samples have a fixed length. Throws `session_behind`
   * when it comes too fast or is not heard, and `frame_invalid` for what is no packet.
   */
  send(audio: Uint8Array): void;
  /** What is spoken up to here is an utterance. */
  finalize(): void;
  keepAlive(): void;
  /** What counts from the next utterance on. */
  update(wishes: LiveWishes): void;
  /** No audio follows: `ended` comes when all is final. */
  close(): void;
  /** Nobody wants what is not final: nothing is told any more. */
  cancel(): void;
  /** Somebody else may go on with it: nothing is told any more. */
  leave(): void;
}

/** Audio that is on its way: more of it than that is not heard in time. */
const MOST_UNHEARD_SECONDS = 30;
const KEPT_SECONDS = 60;
/** What a caller who comes back may send at once beside what others may: the utterance that was spoken. */
const RESUME_SECONDS = 30;
const TICK_MS = 1_000;
const OPEN_AGAIN_MS = 2_000;
const OPEN_MS = 10_000;
const STALLED_MS = { first: 3_000, longest: 15_000 };
const CLOSE_MS = { again: 3_000, silent: 60_000 };

export function openLiveSession(options: LiveSessionOptions): LiveSession {
  const { bus, notebook, sessionId, format, wishes, events, resume, now = () => performance.now() } = options;
  const { rate } = format;
  const subject = subjects.liveAudioOf(GATEWAY_SOURCE, sessionId);
  const over = new AbortController();
  const kept = createKeptFrames(KEPT_SECONDS * rate);
  const budget = createInputBudget(now, resume === undefined ? 0 : RESUME_SECONDS);
  const began = now();
  let sent = resume?.position ?? 0;
  let heard = sent;
  let final = sent;
  let opened = false;
  let closing: { sentAt: number } | undefined;
  let closed: LiveEnd | undefined;
  /** The odd byte of a sample that is cut in two. */
  let remainder: Uint8Array = new Uint8Array();
  let toldAt = began;
  let sentAgainAt = began;
  let stalledMs = STALLED_MS.first;

  const finals = createSessionFinals({
    ...{ bus, notebook, files: options.files, sessionId, from: resume?.from ?? 0 },
    tell: (told) => events.final?.(told),
    onAll: () => finish(closed ?? { seconds: 0, utterances: 0 }),
  });

  function publish(position: number, audio?: Uint8Array, more: Partial<Record<HeaderField, unknown>> = {}): void {
    bus.publish(subject, audio, writeHeaders({ position, ...more }));
  }

  /** The first of a session says what is wanted; that of one that goes on, that somebody is there. */
  function publishFirst(): void {
    const { encoding } = format;
    const contentType = encoding === "opus" ? "audio/opus" : `audio/${encoding};rate=${rate}`;
    if (resume === undefined) publish(0, undefined, { contentType, ...wishes });
    else publish(sent, undefined, { contentType, sign: "keepalive" });
  }

  function keepAndPublish(frame: KeptFrame): void {
    kept.add(frame);
    if (bus.connected) publish(frame.position, frame.bytes, { sign: frame.sign });
  }

  function sendAgain(from: number): void {
    if (!bus.connected) return;
    sentAgainAt = now();
    if (resume === undefined && from === 0) publishFirst();
    for (const { position, bytes, sign } of kept.from(from)) publish(position, bytes, { sign });
    if (closing !== undefined) publishClose();
  }

  function publishClose(): void {
    if (closing !== undefined) closing.sentAt = now();
    if (bus.connected) publish(sent, undefined, { sign: "close" });
  }

  function sign(what: LiveSign): void {
    if (over.signal.aborted || closing !== undefined) return;
    if (what === "finalize") keepAndPublish({ position: sent, samples: 0, bytes: new Uint8Array(), sign: what });
    else publish(sent, undefined, { sign: what });
  }

  function takeState(state: LiveState): void {
    toldAt = now();
    if (state.type === "closed") {
      const { seconds, utterances, error } = state;
      closed = { seconds, utterances, ...(error === undefined ? {} : { error }) };
      finals.total(utterances);
      return;
    }
    if (state.type === "opened") {
      // Whoever goes on with it hears again from there.
      heard = state.position;
      final = Math.max(final, state.position);
      kept.finalUpTo(final);
      if (state.resumed) sendAgain(state.position);
    }
    if (state.type === "heard") {
      if (state.heard > heard) stalledMs = STALLED_MS.first;
      heard = Math.max(heard, state.heard);
      final = Math.max(final, state.position);
      kept.finalUpTo(final);
    }
    if (state.type === "speech_stopped") finals.expect(state.itemId, state);
    if (state.type === "refused" && !opened) {
      fail(state.error);
      return;
    }
    if (!opened) {
      opened = true;
      events.opened?.(resume?.position ?? 0);
    }
    events.state?.(state);
  }

  function look(): void {
    if (!bus.connected || closed !== undefined) return;
    const time = now();
    const silent = time - toldAt;
    if (!opened) {
      if (time - began > OPEN_MS)
        fail({ code: "worker_unavailable", message: "Nobody takes live sessions at the moment." });
      else if (time - sentAgainAt > OPEN_AGAIN_MS) {
        if (resume !== undefined) publishFirst();
        sendAgain(final);
      }
    } else if (closing !== undefined) {
      if (silent > CLOSE_MS.silent)
        fail({ code: "worker_unavailable", message: "The end of the session was not heard." });
      else if (time - closing.sentAt > CLOSE_MS.again) {
        sendAgain(heard);
        void lookForEnd();
      }
    } else if (sent > heard && silent > stalledMs && time - sentAgainAt > stalledMs) {
      stalledMs = Math.min(stalledMs * 2, STALLED_MS.longest);
      sendAgain(heard);
    }
  }

  /** That it was closed may have been told while nobody listened. */
  async function lookForEnd(): Promise<void> {
    const end = await endOf(notebook, sessionId).catch(() => undefined);
    if (end === undefined || closed !== undefined || over.signal.aborted) return;
    closed = end;
    finals.total(end.utterances);
  }

  function fail(error: Failure): void {
    finish({ seconds: sent / rate, utterances: 0, error });
  }

  function finish(end: LiveEnd): void {
    if (over.signal.aborted) return;
    stop();
    events.ended?.(end);
  }

  function stop(): void {
    clearInterval(looking);
    stopWatching();
    finals.close();
    over.abort();
  }

  async function listen<Told>(about: string, schema: { parse(value: unknown): Told }, take: (told: Told) => void) {
    for await (const { data } of bus.subscribe(about, over.signal)) {
      take(schema.parse(JSON.parse(Buffer.from(data).toString())));
    }
  }

  const looking = setInterval(look, TICK_MS);
  const stopWatching = bus.onConnection((connected) => {
    if (connected) sendAgain(final);
  });
  listen(subjects.liveState(sessionId), liveStateSchema, takeState).catch(failed);
  listen(subjects.livePartial(sessionId), livePartialSchema, (partial) => events.partial?.(partial)).catch(failed);
  function failed(error: unknown): void {
    if (!over.signal.aborted) fail(new SpeechError("internal", undefined, { cause: error }).toFailure());
  }
  if (resume?.end !== undefined) {
    closed = resume.end;
    opened = true;
    events.opened?.(resume.position);
    finals.total(resume.end.utterances);
  } else if (bus.connected) publishFirst();

  return {
    sessionId,
    get position() {
      return sent;
    },
    send(audio) {
      if (over.signal.aborted || closing !== undefined || closed !== undefined) return;
      const whole = withRemainder(audio);
      const samples = frameSamples(whole, format);
      if (samples === 0) return;
      if (!budget.take(samples / rate)) throw new SpeechError("session_behind");
      if (sent + samples - heard > MOST_UNHEARD_SECONDS * rate) throw unheard();
      keepAndPublish({ position: sent, samples, bytes: whole });
      sent += samples;
    },
    finalize: () => sign("finalize"),
    keepAlive: () => sign("keepalive"),
    update(more) {
      if (!over.signal.aborted && closing === undefined) publish(sent, undefined, { sign: "update", ...more });
    },
    close() {
      if (over.signal.aborted || closing !== undefined) return;
      closing = { sentAt: now() };
      toldAt = now();
      publishClose();
    },
    cancel() {
      if (over.signal.aborted) return;
      if (closed === undefined) publish(sent, undefined, { sign: "cancel" });
      stop();
    },
    leave: stop,
  };

  function withRemainder(audio: Uint8Array): Uint8Array {
    if (format.encoding !== "pcm") return audio;
    const joined = remainder.length === 0 ? audio : Buffer.concat([remainder, audio]);
    const even = joined.length - (joined.length % 2);
    remainder = joined.slice(even);
    return joined.subarray(0, even);
  }

  function unheard(): SpeechError {
    if (!bus.connected) return new SpeechError("bus_unavailable");
    return opened ? new SpeechError("session_behind") : new SpeechError("worker_unavailable");
  }
}
