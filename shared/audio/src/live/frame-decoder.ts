/**
 * The frames of one session to PCM16 at 16 kHz, as a stream.
 *
 * What a push answers is certain: it does not depend on what follows, nor on how the audio was cut into frames. Of other rates than 16 kHz
 * the resampler holds back what its filter needs to see, at most 4 ms. A decoder that begins at a multiple of `phaseOf(format).own` lines up with
 * one from the beginning, and from 4 ms on gives the same samples; of Opus, whose packets lean on those before, from a second on.
 */
import { type LiveFormat, SAMPLE_RATE } from "@parlance/contracts";
import { aLaw, muLaw } from "../formats/companding.ts";
import { toPcm16 } from "../samples/pcm.ts";
import { createResampler } from "../samples/resample.ts";
import { frameSamples, heardPosition, invalid, phaseOf } from "./live-format.ts";
import { createOpusFrames } from "./opus-frames.ts";

export interface FrameDecoder {
  /** Where its first sample lies in the session, at 16 kHz. */
  readonly start: number;
  /** Samples that became certain. Throws `frame_invalid`, and nothing has happened: the next frame follows what came before. */
  push(bytes: Uint8Array): Int16Array;
  /** Silence in place of frames that are missing, in samples at the session's own rate. */
  silence(samples: number): Int16Array;
  /** No audio follows: what was held back. */
  end(): Int16Array;
  /** Gives the memory back. */
  free(): void;
}

/** Samples of silence that are resampled at once. */
const STRETCH = 16_000;

/** @param from position of the first frame, at the session's own rate: a multiple of `phaseOf(format).own`, with Opus any. */
export async function createFrameDecoder(format: LiveFormat, from = 0): Promise<FrameDecoder> {
  if (format.encoding === "opus") return await createOpusFrameDecoder(format, from);
  const { own, heard } = phaseOf(format);
  if (from % own !== 0) throw new RangeError(`${from} is no multiple of ${own}`);
  const resampler = createResampler(format.rate, SAMPLE_RATE);
  const toSamples = readers[format.encoding];
  return {
    start: (from / own) * heard,
    push(bytes) {
      frameSamples(bytes, format);
      return toPcm16(resampler.push(toSamples(bytes)));
    },
    silence(samples) {
      const parts: Int16Array[] = [];
      for (let left = samples; left > 0; left -= STRETCH) {
        parts.push(toPcm16(resampler.push(new Float32Array(Math.min(left, STRETCH)))));
      }
      return joined(parts);
    },
    end: () => toPcm16(resampler.end()),
    free() {},
  };
}

const readers = {
  pcm(bytes: Uint8Array): Float32Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const samples = new Float32Array(bytes.length / 2);
    for (let at = 0; at < samples.length; at += 1) samples[at] = view.getInt16(at * 2, true) / 32_768;
    return samples;
  },
  mulaw: (bytes: Uint8Array) => Float32Array.from(bytes, (byte) => muLaw[byte] ?? 0),
  alaw: (bytes: Uint8Array) => Float32Array.from(bytes, (byte) => aLaw[byte] ?? 0),
};

/** libopus decodes at 16 kHz by itself: nothing is resampled, and nothing held back. */
async function createOpusFrameDecoder(format: LiveFormat, from: number): Promise<FrameDecoder> {
  const frames = await createOpusFrames();
  let position = from;
  return {
    start: heardPosition(from, format),
    push(bytes) {
      const samples = frameSamples(bytes, format);
      if (samples === 0) return new Int16Array(0);
      const decoded = decode(bytes);
      position += samples;
      return decoded;
    },
    silence(samples) {
      const before = heardPosition(position, format);
      position += samples;
      return new Int16Array(heardPosition(position, format) - before);
    },
    end: () => new Int16Array(0),
    free: () => frames.free(),
  };

  function decode(bytes: Uint8Array): Int16Array {
    try {
      return toPcm16(frames.decode(bytes));
    } catch (cause) {
      throw invalid(
        `It is not an Opus packet (${cause instanceof Error ? cause.message : "it cannot be decoded"}).`,
        cause,
      );
    }
  }
}

function joined(parts: readonly Int16Array[]): Int16Array {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
