/** What a frame says: its headers checked, its audio measured. Pure. */
import { frameSamples } from "@parlance/audio/live";
import type { MessageHeaders } from "@parlance/bus";
import {
  frameHeadersSchema,
  headerNameOf,
  type LiveFormat,
  type LiveSign,
  liveOptionsSchema,
  readHeaders,
  SpeechError,
  toSpeechError,
} from "@parlance/contracts";

export interface RawFrame {
  headers: MessageHeaders;
  data: Uint8Array;
}

export interface Frame {
  position: number | undefined;
  samples: number;
  sign: LiveSign | undefined;
  /** Of its headers those that say what is wanted, by name. */
  wishes: Readonly<Record<string, string>>;
  data: Uint8Array;
}

const wishNames = Object.keys(liveOptionsSchema.shape).map((field) => headerNameOf(field) ?? "");

/** Whether a frame says anything of what is wanted: a session that was refused is opened by no other. */
export function saysWishes(frame: Pick<RawFrame, "headers">): boolean {
  return wishNames.some((name) => frame.headers.has(name));
}

export function wishesOf({ headers }: Pick<RawFrame, "headers">): Record<string, string> {
  return Object.fromEntries(wishNames.filter((name) => headers.has(name)).map((name) => [name, headers.get(name)]));
}

/** Throws `validation_failed` for its headers and `frame_invalid` for its audio. */
export function readFrame({ headers, data }: RawFrame, format: LiveFormat): Frame {
  if (headers.malformed !== undefined) {
    const sentence = `The frame's headers cannot be read: ${headers.malformed}.`;
    throw new SpeechError("validation_failed", sentence, { param: "headers" });
  }
  const { position, sign } = inHeaderNames(() => readHeaders(frameHeadersSchema, headers));
  return { position, sign, samples: frameSamples(data, format), wishes: wishesOf({ headers }), data };
}

/** A publisher knows headers, not our fields. */
export function inHeaderNames<Read>(read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    const known = toSpeechError(error);
    const header = headerNameOf(known.param ?? "");
    if (header === undefined) throw known;
    const sentence = known.message.replace(/^\w+/, header);
    throw new SpeechError(known.code, sentence, { cause: error, param: header });
  }
}
