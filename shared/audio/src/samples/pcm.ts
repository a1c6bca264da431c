import { SpeechError } from "@parlance/contracts";

/** A stretch of decoded audio, mono. */
export interface Pcm {
  sampleRate: number;
  /** In −1 … 1, or PCM16 where it was stored as that: what needs no other rate stays as it is. */
  samples: Float32Array | Int16Array;
}

/** As PCM16, rounded and clipped. Throws `audio_invalid_samples` when a sample is not a finite number. */
export function toPcm16(samples: Float32Array): Int16Array {
  const pcm = new Int16Array(samples.length);
  // x − x is 0 for every finite x and NaN for NaN and the infinities.
  let faults = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const value = (samples[index] ?? 0) * 32_768;
    faults += value - value;
    const clipped = Math.min(Math.max(value, -32_768), 32_767);
    pcm[index] = (clipped + (clipped < 0 ? -0.5 : 0.5)) | 0;
  }
  if (faults !== 0) throw new SpeechError("audio_invalid_samples");
  return pcm;
}

/** The mean of the channels. */
export function mixToMono(channels: readonly Float32Array[]): Float32Array {
  const [first, ...others] = channels;
  if (first === undefined) return new Float32Array(0);
  if (others.length === 0) return first;
  const mono = Float32Array.from(first);
  for (const channel of others) {
    for (let index = 0; index < mono.length; index += 1) mono[index] = (mono[index] ?? 0) + (channel[index] ?? 0);
  }
  for (let index = 0; index < mono.length; index += 1) mono[index] = (mono[index] ?? 0) / channels.length;
  return mono;
}

/** Drops the first `seconds`. */
export async function* trimStart(audio: AsyncIterable<Pcm>, seconds: number): AsyncGenerator<Pcm, void> {
  let skip: number | undefined;
  for await (const { sampleRate, samples } of audio) {
    skip ??= Math.round(seconds * sampleRate);
    const skipped = Math.min(skip, samples.length);
    skip -= skipped;
    if (skipped < samples.length) yield { sampleRate, samples: samples.subarray(skipped) };
  }
}

/** Samples in −1 … 1. */
export function fromPcm16(pcm: Int16Array): Float32Array {
  const samples = new Float32Array(pcm.length);
  for (let index = 0; index < pcm.length; index += 1) samples[index] = (pcm[index] ?? 0) / 32_768;
  return samples;
}

/** The samples' own memory: what lies in it is little-endian on every machine that Node runs on. */
export function samplesAsBytes(pcm: Int16Array): Uint8Array {
  return new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
}
