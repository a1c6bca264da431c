/**
 * What a publisher sends of a live session: frames of audio on `speech.live.audio.<sessionId>`, each a message of its own, in their
 * order. The first one opens the session, and its headers say what is wanted. A frame may have no audio and only say something.
 *
 * A frame says at which sample of the session it begins, so that it may be sent again: what was heard already is passed over. Whoever
 * leaves the position out sends each frame once, and it follows what came before.
 */
import * as z from "zod";
import { liveHeaders, positionHeader, readHeaders, transcriptionHeaders } from "../messages/headers.ts";
import { customIdSchema } from "../words/identifiers.ts";

/** How a frame's audio is written. Numbers are little-endian; one channel. */
export const liveEncodings = ["pcm", "mulaw", "alaw", "opus"] as const;
export type LiveEncoding = (typeof liveEncodings)[number];

/** Samples a second of what is sent; Opus counts 48,000 whatever it holds. */
export const LIVE_RATES = { slowest: 8_000, fastest: 48_000 } as const;
export const OPUS_RATE = 48_000;
/** Bytes of one frame: two seconds of 16-bit samples at the fastest rate. */
export const MAX_FRAME_BYTES = 192_000;

/**
 * What a frame may say beside its audio. `finalize`: what is spoken up to here is an utterance, without waiting for silence; the session
 * goes on. `close`: the same, and no audio follows. `cancel`: nobody wants what is not final yet; the session ends. `keepalive`: the
 * session is not abandoned, though nothing is sent; its audio does not go on. `update`: the headers that are here count from the next utterance on.
 */
export const liveSigns = ["finalize", "close", "cancel", "keepalive", "update"] as const;
export type LiveSign = (typeof liveSigns)[number];

/** What is wanted of a session: the headers of its first frame, all of them optional. */
export const liveOptionsSchema = z.object({
  /** `audio/pcm`, `audio/mulaw`, `audio/alaw` with `;rate=<samples a second>`, or `audio/opus`: one packet a frame. */
  contentType: z.string().max(256).default("audio/pcm;rate=16000"),
  customId: customIdSchema.optional(),
  ...transcriptionHeaders,
  ...liveHeaders,
});
export type LiveOptions = z.infer<typeof liveOptionsSchema>;

/** Of headers by their names, as a session's entry keeps them. Throws as `readHeaders` does. */
export function readWishes(wishes: Readonly<Record<string, string>>): LiveOptions {
  const source = { get: (name: string) => wishes[name] ?? "", has: (name: string) => Object.hasOwn(wishes, name) };
  return readHeaders(liveOptionsSchema, source);
}

export const frameHeadersSchema = liveOptionsSchema.extend({
  /** Of its first sample, counted from the session's beginning at its own rate. */
  position: positionHeader,
  sign: z.enum(liveSigns).optional(),
});
export type FrameHeaders = z.infer<typeof frameHeadersSchema>;

export interface LiveFormat {
  encoding: LiveEncoding;
  /** Samples a second, in which positions count. */
  rate: number;
}

const names: Record<string, LiveEncoding> = {
  "audio/pcm": "pcm",
  "audio/l16": "pcm",
  "audio/mulaw": "mulaw",
  "audio/pcmu": "mulaw",
  "audio/basic": "mulaw",
  "audio/alaw": "alaw",
  "audio/pcma": "alaw",
  "audio/opus": "opus",
};

/** Undefined for what is none of the encodings, or has a rate that is out of range. */
export function parseLiveFormat(contentType: string): LiveFormat | undefined {
  const [type = "", ...parameters] = contentType.toLowerCase().split(";");
  const encoding = names[type.trim()];
  if (encoding === undefined) return undefined;
  if (encoding === "opus") return { encoding, rate: OPUS_RATE };
  const written = parameters.map((parameter) => /^\s*rate\s*=\s*(\d+)\s*$/.exec(parameter)?.[1]).find(Boolean);
  const rate = Number(written ?? (encoding === "pcm" ? 16_000 : 8_000));
  return rate >= LIVE_RATES.slowest && rate <= LIVE_RATES.fastest ? { encoding, rate } : undefined;
}
