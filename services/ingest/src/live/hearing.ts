/**
 * One hearing of a session: its frames in order, decoded and cut, from where its entry rests. It ends with the session, or where it has to
 * be heard again: its listener died, or what the one before had written down is settled.
 *
 * Utterances that are in the record and came to no job are heard first, and published as they were recorded.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  createEndpointer,
  type EndpointEvent,
  frameAfter,
  type Heard,
  hearFrom,
  type ListenerPool,
  ownPosition,
} from "@parlance/audio/live";
import type { StoredMessage } from "@parlance/bus";
import { MAX_FRAME_BYTES, SAMPLE_RATE, SpeechError, toSpeechError } from "@parlance/contracts";
import { createFrameLine, type LinePiece } from "./frame-line.ts";
import { createFrameMarks } from "./frame-marks.ts";
import type { InputBudget } from "./input-budget.ts";
import type { LiveNews } from "./live-news.ts";
import { type Frame, readFrame } from "./read-frame.ts";
import { type EndpointerDefaults, endpointerOptions, type SessionWishes, understandWishes } from "./session-wishes.ts";
import { createSpanCollector } from "./span-collector.ts";
import { createSpoken } from "./spoken.ts";
import type { RecordedUtterance, UtteranceBook } from "./utterance-book.ts";
import type { WindowLoop } from "./window-loop.ts";

/** `again`: from where the entry rests now. */
export type HearingEnd = "closed" | "again";

export interface Hearing {
  /** Frames of the session, in LIVE's order. */
  take(messages: readonly StoredMessage[]): Promise<HearingEnd | undefined>;
  /** Nothing came until `dueAt`. */
  settle(): Promise<HearingEnd | undefined>;
  readonly dueAt: number | undefined;
  /** Seconds of the session's audio so far. */
  readonly seconds: number;
  /** The utterance that goes on, from its beginning on to `end`. */
  utteranceTo(end: number): Int16Array | undefined;
  /** What is spoken up to here is the last utterance. */
  finish(): Promise<void>;
  close(): void;
}

export interface HearingContext {
  listeners: ListenerPool;
  book: UtteranceBook;
  news: LiveNews;
  windows: WindowLoop;
  budget: InputBudget;
  wishes: SessionWishes;
  defaults: EndpointerDefaults;
  /** The frame that the entry names is still in LIVE. */
  frameIsThere: boolean;
  onUtterance(): void;
  /** Audio comes faster than it may be heard, and waits. */
  onTooFast(): void;
  signal: AbortSignal;
}

/** Whoever keeps what is not final sends it again when it hears of no progress for three or four seconds. */
type Piece = LinePiece<{ frame: Frame; seq: number }>;

const LINE = { waitMs: 5_000, waitingSeconds: 10, missingSeconds: 60 };
/** How far the entry is left behind while nobody speaks. */
const MOVE_SECONDS = 5;
const SILENCE_SECONDS = 2;
const HEARD_EVERY_MS = 500;
/** What a window holds beyond the last speech: a word's end is quiet. */
const SPOKEN_MARGIN = 0.2 * SAMPLE_RATE;
/** A `finalize` so near to a rest point is the one that made it. */
const FINALIZED_SECONDS = 0.05;
const HYSTERESIS = 0.15;

export async function createHearing(context: HearingContext): Promise<Hearing> {
  const { listeners, book, news, windows, budget, defaults, signal } = context;
  let { wishes } = context;
  const { format } = wishes;
  const { rate } = format;
  const isPacket = format.encoding === "opus";
  const { rest, frame } = book.entry;
  const from = hearFrom(rest.at, format);
  const first = frame !== undefined && context.frameIsThere && frame.position <= from ? frame : undefined;
  const marks = createFrameMarks(rate, first);
  const line = createFrameLine<{ frame: Frame; seq: number }>(first?.position ?? from, {
    waitMs: LINE.waitMs,
    mostWaiting: LINE.waitingSeconds * rate,
    mostMissing: LINE.missingSeconds * rate,
  });
  const settleTo = book.unsettledTo;
  const unpublished: RecordedUtterance[] = await book.unpublished();
  const collector = createSpanCollector(unpublished);
  const listener = await listeners.open(format, from);
  const endpointer = createEndpointer(endpointerOptions(wishes, defaults), { rest, start: listener.start });
  const spoken = createSpoken(listener.start, endpointerOptions(wishes, defaults).threshold - HYSTERESIS);
  let heardTo = listener.start;
  /** Audio of frames that follow each other. */
  let unheard: Uint8Array[] = [];
  let finalizedTo = ownPosition(rest.at, format) + FINALIZED_SECONDS * rate;
  let carriesOn = false;
  let current: { itemId: string; start: number } | undefined;
  let toldHeardAt = performance.now();

  async function perform(piece: Piece): Promise<HearingEnd | undefined> {
    if (piece.kind === "gap") {
      news.state({ type: "gap", start: piece.from / rate, end: piece.to / rate });
      return await hearSilence(piece.to - Math.max(piece.from, from));
    }
    const { position, samples, content } = piece;
    marks.note(content.seq, position);
    const skip = Math.min(samples, Math.max(piece.skip, from - position));
    if (samples > skip) {
      await waitForBudget((position + samples) / rate);
      const bytes = frameAfter(content.frame.data, format, skip);
      const ended = await (isPacket ? hearPacket(bytes, samples - skip) : hearSoon(bytes));
      if (ended !== undefined) return ended;
    }
    if (content.frame.sign === undefined) return undefined;
    return (await hearTogether()) ?? (await obey(content.frame, position + samples));
  }

  async function waitForBudget(to: number): Promise<void> {
    const waitMs = budget.take(to, performance.now());
    if (waitMs === 0) return;
    context.onTooFast();
    await pause(waitMs, undefined, { signal });
  }

  /** Nothing depends on how audio comes in frames: what is there is heard at once. */
  async function hearTogether(): Promise<HearingEnd | undefined> {
    const bytes = unheard.length === 1 ? unheard[0] : Buffer.concat(unheard);
    unheard = [];
    if (bytes === undefined || bytes.length === 0) return undefined;
    return await after(await listener.push(bytes), false);
  }

  async function hearSoon(bytes: Uint8Array): Promise<HearingEnd | undefined> {
    const waiting = unheard.reduce((sum, { length }) => sum + length, 0);
    const ended = waiting + bytes.length > MAX_FRAME_BYTES ? await hearTogether() : undefined;
    unheard.push(bytes);
    return ended;
  }

  /** It is heard whole or not at all, and by itself. */
  async function hearPacket(bytes: Uint8Array, samples: number): Promise<HearingEnd | undefined> {
    if (bytes.length === 0) return await hearSilence(samples);
    try {
      return await after(await listener.push(bytes), false);
    } catch (error) {
      if (!(error instanceof SpeechError) || error.code !== "frame_invalid") throw error;
      news.refused(error.toFailure());
      return await hearSilence(samples);
    }
  }

  async function hearSilence(samples: number): Promise<HearingEnd | undefined> {
    const ended = await hearTogether();
    if (ended !== undefined) return ended;
    const most = SILENCE_SECONDS * rate;
    for (let left = samples; left > 0; left -= most) {
      const end = await after(await listener.silence(Math.min(left, most)), true);
      if (end !== undefined) return end;
    }
    return undefined;
  }

  async function after(heard: Heard, missing: boolean): Promise<HearingEnd | undefined> {
    collector.push(heardTo, heard.samples, missing);
    heardTo += heard.samples.length;
    spoken.push(heard.speech);
    const events = endpointer.push(heard);
    if (settleTo !== undefined) {
      for (const event of events) {
        if (event.type === "stopped" && event.end === settleTo) carriesOn = event.cause === "length";
      }
      if (heardTo < settleTo) return undefined;
      await settleRecorded(settleTo);
      return "again";
    }
    await tellOf(events);
    return undefined;
  }

  /** What the record had beyond the entry is published: the entry goes on behind it. */
  async function settleRecorded(to: number): Promise<void> {
    const { customId } = wishes.options;
    for (const { itemId, audio } of collector.take(true)) {
      if (audio === undefined) await book.lose(itemId, customId);
      else await book.publish(itemId, audio, wishes.options, customId);
    }
    await moveTo({ at: to, carriesOn });
  }

  async function tellOf(events: readonly EndpointEvent[]): Promise<void> {
    let ended = false;
    for (const event of events) {
      const itemId = String(book.recorded);
      const start = event.start / SAMPLE_RATE;
      if (event.type === "started") {
        current = { itemId, start: event.start };
        news.state({ type: "speech_started", itemId, start });
        continue;
      }
      windows.stops();
      current = undefined;
      ended = true;
      const end = event.end / SAMPLE_RATE;
      if (event.type === "dropped") news.state({ type: "dropped", itemId, start, end });
      else await write(event);
    }
    if (ended || endpointer.rest.at - book.entry.rest.at > MOVE_SECONDS * SAMPLE_RATE) await moveTo(endpointer.rest);
    if (current !== undefined && wishes.options.partials) {
      const { to, ms } = spoken.since(current.start) ?? { to: 0, ms: 0 };
      windows.speaks({ ...current, spokenTo: Math.min(to + SPOKEN_MARGIN, endpointer.heard), spokenMs: ms });
    }
    if (performance.now() - toldHeardAt >= HEARD_EVERY_MS) tellHeard();
  }

  async function write({ start, end, cause, samples }: Extract<EndpointEvent, { type: "stopped" }>): Promise<void> {
    const { customId } = wishes.options;
    const itemId = await book.add({ start, samples: samples.length }, customId);
    news.state({ type: "speech_stopped", itemId, start: start / SAMPLE_RATE, end: end / SAMPLE_RATE, cause });
    await book.publish(itemId, samples, wishes.options, customId);
    context.onUtterance();
  }

  function tellHeard(heard = line.next): void {
    toldHeardAt = performance.now();
    news.state({ type: "heard", heard, position: book.entry.position });
  }

  async function moveTo(to: { at: number; carriesOn: boolean }): Promise<void> {
    const position = hearFrom(to.at, format);
    const reached = marks.upTo(position);
    const from = reached === undefined ? {} : { frame: reached };
    await book.move({ position, rest: { at: to.at, carriesOn: to.carriesOn }, ...from });
  }

  async function obey({ sign, wishes: said }: Frame, end: number): Promise<HearingEnd | undefined> {
    if (sign === "close") {
      await finish();
      return "closed";
    }
    if (sign === "finalize" && settleTo === undefined) {
      if (end > finalizedTo) {
        finalizedTo = end;
        await tellOf(endpointer.finalize());
      }
      // Also of one that changes nothing: its sender may have missed the answer. What lies behind it is not heard yet.
      tellHeard(end);
    }
    if (sign === "update") await update(said);
    return undefined;
  }

  async function update(said: Frame["wishes"]): Promise<void> {
    try {
      const all = { ...book.entry.wishes, ...said };
      const understood = understandWishes(all);
      if (understood.format.encoding !== format.encoding || understood.format.rate !== rate) {
        const sentence = "Content-Type: a session's audio stays what it was when it was opened";
        throw new SpeechError("validation_failed", sentence, { param: "Content-Type" });
      }
      await book.move({ wishes: all });
      wishes = understood;
      endpointer.update(endpointerOptions(wishes, defaults));
    } catch (error) {
      const known = toSpeechError(error);
      if (known.code !== "validation_failed") throw error;
      news.refused(known.toFailure());
    }
  }

  async function finish(): Promise<void> {
    if (settleTo !== undefined) return await settleRecorded(settleTo);
    await after(await listener.end(), false);
    await tellOf(endpointer.close());
  }

  async function all(pieces: readonly Piece[]): Promise<HearingEnd | undefined> {
    for (const piece of pieces) {
      const end = await perform(piece);
      if (end !== undefined) return end;
    }
    return await hearTogether();
  }

  function place(message: StoredMessage): Piece[] {
    try {
      const frame = readFrame(message, format);
      const { position, samples } = frame;
      return line.take({ position, samples, content: { frame, seq: message.seq } }, performance.now());
    } catch (error) {
      const known = toSpeechError(error);
      if (known.code !== "frame_invalid" && known.code !== "validation_failed") throw error;
      news.refused(known.toFailure());
      return [];
    }
  }

  return {
    take: (messages) => all(messages.flatMap(place)),
    settle: () => all(line.settle(performance.now())),
    get dueAt() {
      return line.dueAt;
    },
    get seconds() {
      return line.next / rate;
    },
    utteranceTo(end) {
      const open = endpointer.utterance();
      return open?.samples.subarray(0, Math.max(0, end - open.start));
    },
    finish,
    close: () => listener.close(),
  };
}
