/** How the bytes of frames count in samples, at the session's own rate and at 16 kHz. Pure; nothing is decoded. */
import { type LiveFormat, MAX_FRAME_BYTES, SAMPLE_RATE, SpeechError } from "@parlance/contracts";
import { opusPacketSamples } from "./opus-packet.ts";

/** Samples at the session's own rate that a frame holds. Throws `frame_invalid` for bytes that are no frame of this format. */
export function frameSamples(bytes: Uint8Array, { encoding }: LiveFormat): number {
  if (bytes.length === 0) return 0;
  if (bytes.length > MAX_FRAME_BYTES) {
    throw invalid(`It has ${bytes.length} bytes: the limit is ${MAX_FRAME_BYTES}.`);
  }
  if (encoding === "opus") {
    const samples = opusPacketSamples(bytes);
    if (samples === undefined) throw invalid("It is not an Opus packet: its first bytes name no possible length.");
    return samples;
  }
  if (encoding !== "pcm") return bytes.length;
  if (bytes.length % 2 !== 0) throw invalid(`It has ${bytes.length} bytes: samples of 16 bits are an even number.`);
  return bytes.length / 2;
}

/** What of a frame follows its first `samples` samples. An Opus packet is whole or not there: nothing of it follows. */
export function frameAfter(bytes: Uint8Array, { encoding }: LiveFormat, samples: number): Uint8Array {
  if (samples <= 0) return bytes;
  return encoding === "opus" ? bytes.subarray(bytes.length) : bytes.subarray(samples * (encoding === "pcm" ? 2 : 1));
}

export function invalid(why: string, cause?: unknown): SpeechError {
  return new SpeechError("frame_invalid", `A frame of live audio cannot be read. ${why}`, { cause });
}

/**
 * Every `own` samples of a session `heard` samples of 16 kHz lie on samples of its own. A decoder that begins at a multiple of `own` gives
 * the samples that one from the session's beginning gives.
 */
export function phaseOf({ rate }: LiveFormat): { own: number; heard: number } {
  const divisor = greatestCommonDivisor(rate, SAMPLE_RATE);
  return { own: rate / divisor, heard: SAMPLE_RATE / divisor };
}

/** A position of a session at its own rate, in samples of 16 kHz. */
export function heardPosition(position: number, { rate }: LiveFormat): number {
  return Math.floor((position * SAMPLE_RATE) / rate);
}

/** A position at 16 kHz, in samples of the session's own. */
export function ownPosition(position: number, { rate }: LiveFormat): number {
  return Math.floor((position * rate) / SAMPLE_RATE);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
