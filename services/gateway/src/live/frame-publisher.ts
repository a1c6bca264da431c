/**
 * The frames of one session on their way out: each with its position, published without waiting for anybody, and kept until it is final.
 * What cannot be published now goes out when NATS is back.
 */
import { frameSamples } from "@parlance/audio/live";
import type { Bus } from "@parlance/bus";
import {
  GATEWAY_SOURCE,
  type HeaderField,
  type LiveFormat,
  type LiveOptions,
  type LiveSign,
  SpeechError,
  subjects,
  writeHeaders,
} from "@parlance/contracts";
import { createInputBudget } from "./input-budget.ts";
import { createKeptFrames, type KeptFrame } from "./kept-frames.ts";

export type LiveWishes = Partial<Omit<LiveOptions, "contentType">>;

export interface FramePublisherOptions {
  bus: Pick<Bus, "publish" | "connected">;
  sessionId: string;
  format: LiveFormat;
  wishes: LiveWishes;
  /** Where audio begins that was sent by somebody before; undefined: it is a new session. */
  from: number | undefined;
  now: () => number;
}

/** Positions are samples at the session's own rate. */
export interface FramePublisher {
  /** Where the next audio begins. */
  readonly sent: number;
  /** Up to where somebody heard it. */
  readonly heard: number;
  /** When all that is not final was published again, by the clock. */
  readonly againAt: number;
  /** What opens the session, or says that somebody is there. */
  begin(): void;
  /** Throws `frame_invalid`, and `session_behind` for what comes too fast or is not heard. */
  send(audio: Uint8Array): void;
  /** Kept as audio is. */
  finalize(): void;
  /** Not kept. */
  say(sign: Exclude<LiveSign, "finalize">, wishes?: LiveWishes): void;
  takeHeard(heard: number, final: number): void;
  /** Somebody else goes on with it, who hears again from there. */
  takeOver(position: number): void;
  /** Publishes again what is not final, or what nobody heard. */
  again(which: "unfinal" | "unheard"): void;
}

/** Audio that is on its way: more of it than that is not heard in time. */
const MOST_UNHEARD_SECONDS = 30;
const KEPT_SECONDS = 60;
/** What a caller who comes back may send at once beside what others may: the utterance that was spoken. */
const RESUME_SECONDS = 30;

export function createFramePublisher(options: FramePublisherOptions): FramePublisher {
  const { bus, format, wishes, from, now } = options;
  const { rate, encoding } = format;
  const subject = subjects.liveAudioOf(GATEWAY_SOURCE, options.sessionId);
  const kept = createKeptFrames(KEPT_SECONDS * rate);
  const budget = createInputBudget(now, from === undefined ? 0 : RESUME_SECONDS);
  let sent = from ?? 0;
  let heard = sent;
  let final = sent;
  let againAt = now();
  /** The odd byte of a sample that is cut in two. */
  let remainder: Uint8Array = new Uint8Array();

  function publish(position: number, audio?: Uint8Array, more: Partial<Record<HeaderField, unknown>> = {}): void {
    // An update may take something away.
    const empty = more.sign === "update" ? "kept" : "left out";
    if (bus.connected) bus.publish(subject, audio, writeHeaders({ position, ...more }, { empty }));
  }

  function keep(frame: KeptFrame): void {
    kept.add(frame);
    publish(frame.position, frame.bytes, { sign: frame.sign });
  }

  function begin(): void {
    const contentType = encoding === "opus" ? "audio/opus" : `audio/${encoding};rate=${rate}`;
    if (from === undefined) publish(0, undefined, { contentType, ...wishes });
    else publish(sent, undefined, { sign: "keepalive" });
  }

  function withRemainder(audio: Uint8Array): Uint8Array {
    if (encoding !== "pcm") return audio;
    const joined = remainder.length === 0 ? audio : Buffer.concat([remainder, audio]);
    const even = joined.length - (joined.length % 2);
    remainder = joined.slice(even);
    return joined.subarray(0, even);
  }

  return {
    get sent() {
      return sent;
    },
    get heard() {
      return heard;
    },
    get againAt() {
      return againAt;
    },
    begin,
    send(audio) {
      const whole = withRemainder(audio);
      const samples = frameSamples(whole, format);
      if (samples === 0) return;
      if (!budget.take(samples / rate)) throw new SpeechError("session_behind");
      if (sent + samples - heard > MOST_UNHEARD_SECONDS * rate) {
        throw new SpeechError(bus.connected ? "session_behind" : "bus_unavailable");
      }
      keep({ position: sent, samples, bytes: whole });
      sent += samples;
    },
    finalize: () => keep({ position: sent, samples: 0, bytes: new Uint8Array(), sign: "finalize" }),
    say: (sign, more = {}) => publish(sent, undefined, { sign, ...more }),
    takeHeard(upTo, finalUpTo) {
      heard = Math.max(heard, upTo);
      final = Math.max(final, finalUpTo);
      kept.finalUpTo(final);
    },
    takeOver(position) {
      heard = position;
      final = Math.max(final, position);
      kept.finalUpTo(final);
    },
    again(which) {
      againAt = now();
      if (from === undefined && final === 0) begin();
      for (const { position, bytes, sign } of kept.from(which === "unheard" ? heard : final)) {
        publish(position, bytes, { sign });
      }
    },
  };
}
