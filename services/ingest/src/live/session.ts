/**
 * One live session, by the instance that holds it: heard from where its entry rests until it ends, and then concluded.
 *
 *   heard → its publisher closes or cancels it, its batch is cancelled, or a limit is reached
 *         → the record takes no more → results concludes the batch → `closed` is told → the entry is deleted
 *
 * Whatever dies on the way, the next holder begins at the same point. One that learns that it no longer holds the session lets go of it
 * without a word.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { ListenerPool } from "@parlance/audio/live";
import type { BatchNotebook, Bus, CancelledBatches, FollowedMessage, StoredMessage } from "@parlance/bus";
import {
  GATEWAY_SOURCE,
  headerNames,
  MAX_FRAME_BYTES,
  SAMPLE_RATE,
  type Settings,
  SpeechError,
  streams,
  subjects,
  type WindowAnswer,
  writeHeaders,
} from "@parlance/contracts";
import type { Log } from "@parlance/telemetry";
import { bytesOf, headersOf } from "../items/publish-jobs.ts";
import { concludeSession, type Ending } from "./conclude-session.ts";
import { createFrameInbox, type FramePosition } from "./frame-inbox.ts";
import { createHearing, type Hearing } from "./hearing.ts";
import { createInputBudget } from "./input-budget.ts";
import { createLiveNews } from "./live-news.ts";
import { understandWishes } from "./session-wishes.ts";
import type { TakenSession } from "./take-over.ts";
import { createUtteranceBook, Fenced } from "./utterance-book.ts";
import { createWindowLoop } from "./window-loop.ts";

export const liveSettings = [
  "LIVE_SESSIONS",
  "LIVE_SESSION_SECONDS",
  "LIVE_IDLE_TIMEOUT",
  "LIVE_THRESHOLD",
  "LIVE_PREFIX_MS",
  "LIVE_SILENCE_MS",
  "LIVE_PARTIAL_MS",
  "SEGMENT_SECONDS",
  "ENABLE_ASR",
] as const;
export type LiveSettings = Settings<(typeof liveSettings)[number]>;

export interface SessionContext {
  bus: Bus;
  notebook: BatchNotebook;
  cancelled: CancelledBatches;
  listeners: ListenerPool;
  settings: LiveSettings;
  log: Log;
  now: () => number;
  /** How often this process was stopped for a while: another instance may hold its sessions since. */
  stops: () => number;
  onUtterance(): void;
  /** The instance ends, and lets go of its sessions. */
  signal: AbortSignal;
}

export interface Session {
  readonly source: string;
  offer(message: FollowedMessage): void;
  answered(answer: WindowAnswer): void;
  refuse(error: SpeechError): void;
  readonly heardTo: FramePosition;
  /** `left`: it goes on elsewhere. */
  readonly ended: Promise<"concluded" | "left">;
}

const UNHEARD_SECONDS = 30;
const UNHEARD_FRAMES = 3_000;
const FRAMES_AT_ONCE = 25;
const BEHIND_MS = 60_000;
const STILL_SENDING_MS = 5_000;
const RETRY_MS = 250;
/** Listeners that die over the same audio. */
const MOST_DEATHS = 4;

export function openSession(taken: TakenSession, resumed: boolean, context: SessionContext): Session {
  const { bus, cancelled, listeners, settings, log, now, signal: life } = context;
  const { sessionId, openedAt } = taken.entry;
  const source = taken.entry.source ?? GATEWAY_SOURCE;
  const subject = subjects.liveAudioOf(source, sessionId);
  const news = createLiveNews(bus, sessionId, now);
  const segmentSeconds = settings.SEGMENT_SECONDS;
  const book = createUtteranceBook({ ...context, ...taken, segmentSeconds, signal: life });
  const wanted = cancelled.enter(sessionId);
  const stop = new AbortController();
  const signal = AbortSignal.any([life, stop.signal]);
  const most = { bytes: unheardBytes(), frames: UNHEARD_FRAMES };
  const inbox = createFrameInbox({ bus, subject, signal, most });
  const budget = createInputBudget(taken.entry.rest.at / SAMPLE_RATE, performance.now());
  const windows = createWindowLoop({
    clock: { now: () => performance.now(), schedule },
    everyMs: settings.LIVE_PARTIAL_MS,
    send: sendWindow,
    tell: ({ start, end, ...text }) => news.partial({ ...text, start: start / SAMPLE_RATE, end: end / SAMPLE_RATE }),
    delayed: (ms) => news.state({ type: "delayed", seconds: ms / 1_000 }),
  });
  const stopLooking = bus.onConnection((connected) => {
    if (connected) inbox.lookAgain();
  });
  let hearing: Hearing | undefined;
  let ending: Ending = {};
  let arrivedAt = performance.now();
  let stops = context.stops();
  let seconds = 0;

  function end(how: Ending): void {
    ending = how;
    stop.abort(how.error ?? new SpeechError("cancelled"));
  }
  if (wanted.signal.aborted) end({ error: new SpeechError("cancelled") });
  else wanted.signal.addEventListener("abort", () => end({ error: new SpeechError("cancelled") }), { once: true });

  function unheardBytes(): number {
    const { encoding, rate } = understandWishes(taken.entry.wishes).format;
    const perSecond = encoding === "pcm" ? 2 * rate : rate;
    return UNHEARD_SECONDS * perSecond + MAX_FRAME_BYTES;
  }

  function sendWindow({ itemId, window, end: to, deadline, memory }: Parameters<WindowLoopSend>[0]): void {
    const samples = hearing?.utteranceTo(to);
    if (samples === undefined) return;
    const { options } = understandWishes(book.entry.wishes);
    const until = Math.round(now() + deadline - performance.now());
    const fields = { ...headersOf(options), item: itemId, window, deadline: until, memory };
    bus.publish(subjects.liveWindow(sessionId), bytesOf(samples), writeHeaders(fields));
  }

  /** Until the session ends. */
  async function hearOn(): Promise<void> {
    for (let deaths = 0, restedAt = -1; ; ) {
      try {
        const { frame, rest, wishes } = book.entry;
        if (rest.at !== restedAt) deaths = 0;
        restedAt = rest.at;
        const frameIsThere = frame !== undefined && (await isThere(frame.seq));
        hearing = await createHearing({
          ...{ listeners, book, news, windows, budget, frameIsThere, signal },
          wishes: understandWishes(wishes),
          defaults: {
            threshold: settings.LIVE_THRESHOLD,
            prefixMs: settings.LIVE_PREFIX_MS,
            silenceMs: settings.LIVE_SILENCE_MS,
            segmentSeconds,
          },
          onUtterance: context.onUtterance,
          onTooFast: tellBehind,
        });
        inbox.rewind(frameIsThere ? frame.seq : 1);
        if ((await listen(hearing)) === "closed") return;
      } catch (error) {
        life.throwIfAborted();
        if (stop.signal.aborted) return;
        if (!(error instanceof SpeechError) || !error.retryable) throw error;
        if (error.code !== "bus_unavailable") deaths += 1;
        log.warn({ err: error, sessionId, deaths }, "a live session is heard again");
        if (deaths >= MOST_DEATHS) {
          ending = { error: new SpeechError("audio_corrupt") };
          return;
        }
        await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
      } finally {
        windows.stops();
        seconds = Math.max(seconds, hearing?.seconds ?? 0);
        hearing?.close();
        hearing = undefined;
      }
    }
  }

  async function isThere(seq: number): Promise<boolean> {
    return (await bus.message(streams.live, seq))?.subject === subject;
  }

  async function listen(to: Hearing): Promise<"closed" | "again"> {
    for (;;) {
      const idleAt = arrivedAt + settings.LIVE_IDLE_TIMEOUT * 1_000;
      const tooLongAt = performance.now() + openedAt + settings.LIVE_SESSION_SECONDS * 1_000 - now();
      const messages = await nextFrames(Math.min(to.dueAt ?? idleAt, idleAt, tooLongAt));
      if (context.stops() !== stops) {
        await book.confirm();
        stops = context.stops();
      }
      const end = messages.length === 0 ? await to.settle() : await to.take(messages);
      if (end !== undefined) return end;
      const error = overdue(to, messages.length === 0);
      if (error === undefined) continue;
      ending = { error };
      await to.finish();
      return "closed";
    }
  }

  /** What is there, so that who has fallen behind hears more at once. */
  async function nextFrames(until: number): Promise<StoredMessage[]> {
    const frames: StoredMessage[] = [];
    for (let wait = until; frames.length < FRAMES_AT_ONCE; wait = 0) {
      const frame = await inbox.next(wait);
      if (frame === undefined) break;
      // It came before this session was held: nobody has heard it yet.
      if (isCancel(frame)) end({ cancel: true });
      frames.push(frame);
    }
    return frames;
  }

  function overdue(to: Hearing, nothingCame: boolean): SpeechError | undefined {
    const { LIVE_IDLE_TIMEOUT, LIVE_SESSION_SECONDS } = settings;
    const at = performance.now();
    if (nothingCame && at >= arrivedAt + LIVE_IDLE_TIMEOUT * 1_000) return new SpeechError("session_idle");
    const isTooLong = to.seconds >= LIVE_SESSION_SECONDS || now() >= openedAt + LIVE_SESSION_SECONDS * 1_000;
    if (isTooLong) return new SpeechError("session_too_long");
    // Who has stopped sending is heard to the end.
    if (behindMs() > BEHIND_MS && at - arrivedAt < STILL_SENDING_MS) return new SpeechError("session_behind");
    return undefined;
  }

  function behindMs(): number {
    return inbox.behindSince === undefined ? 0 : performance.now() - inbox.behindSince;
  }

  function tellBehind(): void {
    news.refused(new SpeechError("session_behind").toFailure());
  }

  async function run(): Promise<"concluded" | "left"> {
    try {
      if (!book.entry.closed && !book.isClosed) {
        news.state({ type: "opened", position: book.entry.position, resumed });
        await hearOn();
      }
      await concludeSession({ ...context, sessionId, book, news }, { ...ending, seconds });
      return "concluded";
    } catch (error) {
      if (!life.aborted && !(error instanceof Fenced)) log.error({ err: error, sessionId }, "a live session failed");
      return "left";
    } finally {
      stopLooking();
      windows.close();
      wanted.leave();
    }
  }

  return {
    source,
    offer(message) {
      arrivedAt = performance.now();
      if (isCancel(message)) return end({ cancel: true });
      if (inbox.offer(message)) return;
      tellBehind();
    },
    answered: (answer) => windows.answered(answer),
    refuse: (error) => news.refused(error.toFailure()),
    get heardTo() {
      return inbox.taken;
    },
    ended: run(),
  };
}

function isCancel({ headers }: Pick<StoredMessage, "headers">): boolean {
  return headers.get(headerNames.sign) === "cancel";
}

type WindowLoopSend = Parameters<typeof createWindowLoop>[0]["send"];

function schedule(at: number, call: () => void): () => void {
  const timer = setTimeout(call, Math.max(0, at - performance.now()));
  return () => clearTimeout(timer);
}
