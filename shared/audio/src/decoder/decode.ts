/** Encoded audio to segments: detect, decode, mix, resample, cut. A chain of streams that holds a window, never a whole audio. */
import { SAMPLE_RATE, SpeechError } from "@parlance/contracts";
import type { ByteReader } from "../formats/byte-reader.ts";
import type { Decode, DecodeContext } from "../formats/format.ts";
import { detectFormat, type Format } from "../formats/sniff.ts";
import { checkRate, decodeWav } from "../formats/wav.ts";
import { fromPcm16, toPcm16 } from "../samples/pcm.ts";
import { createResampler, type Resampler } from "../samples/resample.ts";
import { createSegmenter, type Segment } from "../samples/segment.ts";
import type { SegmentLimits } from "../samples/segment-limits.ts";

/** Beside how long its segments are to be. */
export interface DecodeLimits extends SegmentLimits {
  /** Longest audio. */
  maxSeconds: number;
  /** Where segments 1, 2 … begin, in samples, as far as that is settled. */
  boundaries?: readonly number[] | undefined;
  /** Of what comes out, in Hz. Default SAMPLE_RATE. */
  sampleRate?: number | undefined;
}

/** One line a format; each loads its library when it is first needed. */
const decoders: Record<Format, () => Promise<Decode>> = {
  wav: async () => decodeWav,
  mp3: async () => (await import("../formats/mp3.ts")).decodeMp3,
  flac: async () => (await import("../formats/flac.ts")).decodeFlac,
  aac: async () => (await import("../formats/aac.ts")).decodeAac,
  ogg: async () => (await import("../formats/ogg.ts")).decodeOgg,
  matroska: async () => (await import("../formats/container.ts")).decodeContainer,
  mp4: async () => (await import("../formats/container.ts")).decodeContainer,
};

/**
 * The segments of one audio. Throws a SpeechError with one of the `audio_…` codes; segments that came before it are good,
 * but the item as a whole is not.
 */
export async function* decodeSegments(reader: ByteReader, limits: DecodeLimits): AsyncGenerator<Segment, void> {
  const format = await detectFormat(reader);
  const segmenter = createSegmenter(limits, limits.sampleRate, limits.boundaries);
  let samples = 0;
  for await (const pcm of resampled(reader, format, limits)) {
    samples += pcm.length;
    yield* segmenter.push(pcm instanceof Int16Array ? pcm : toPcm16(pcm));
  }
  if (samples === 0) throw new SpeechError("audio_empty", "The file holds no audio: it has 0 samples.");
  yield* segmenter.end();
}

async function* resampled(
  reader: ByteReader,
  format: Format,
  limits: DecodeLimits,
): AsyncGenerator<Float32Array | Int16Array, void> {
  const sampleRate = limits.sampleRate ?? SAMPLE_RATE;
  const decode = await decoders[format]();
  let declared: { seconds: number; tolerance: number } | undefined;
  const context: DecodeContext = {
    declare(seconds, tolerance = 0.5) {
      if (seconds > limits.maxSeconds) throw tooLong(limits.maxSeconds, seconds);
      declared = { seconds, tolerance };
    },
  };

  let seconds = 0;
  let rate = 0;
  let resampler: Resampler | undefined;
  try {
    for await (const pcm of decode(reader, context)) {
      if (pcm.sampleRate !== rate) {
        checkRate(pcm.sampleRate);
        if (resampler !== undefined) yield resampler.end();
        rate = pcm.sampleRate;
        resampler = createResampler(rate, sampleRate);
      }
      seconds += pcm.samples.length / rate;
      if (seconds > limits.maxSeconds) throw tooLong(limits.maxSeconds);
      const { samples } = pcm;
      const found = samples instanceof Int16Array;
      if (found && rate === sampleRate) yield samples;
      else if (resampler !== undefined) yield resampler.push(found ? fromPcm16(samples) : samples);
    }
  } catch (error) {
    if (error instanceof SpeechError) throw error;
    throw new SpeechError("audio_corrupt", `The ${format} audio could not be decoded.`, { cause: error });
  }
  if (resampler !== undefined) yield resampler.end();
  // Seconds were summed up from many slices: a microsecond is rounding, not audio.
  if (declared !== undefined && seconds < declared.seconds - declared.tolerance - 1e-6) {
    throw new SpeechError(
      "audio_truncated",
      `The audio ends before its header says: ${describeSeconds(declared.seconds)} are declared and ${describeSeconds(seconds)} are there.`,
    );
  }
}

export function tooLong(maxSeconds: number, seconds?: number): SpeechError {
  const length = seconds === undefined ? "" : ` of ${describeSeconds(seconds)}`;
  return new SpeechError("audio_too_long", `The audio${length} is longer than the limit of ${maxSeconds} s.`);
}

function describeSeconds(seconds: number): string {
  return `${seconds.toFixed(seconds < 100 ? 2 : 0)} s`;
}
