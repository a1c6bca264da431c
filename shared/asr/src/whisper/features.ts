/** A segment as Whisper hears it: 30 s, silence behind the audio, as a log-mel spectrogram of 3,000 frames. */
import { SAMPLE_RATE } from "@parlance/contracts";
import { createLogMel } from "../features/log-mel.ts";

export const WINDOW_SECONDS = 30;
export const FRAMES = 3_000;
export const HOP = 160;
const WINDOW_SAMPLES = WINDOW_SECONDS * SAMPLE_RATE;
/** Silence that is put behind the audio before the rest is known: longer than an analysis window. */
const TAIL = 4 * HOP;

/** Answers [mels, 3000]. Equal to the official log-mel spectrogram of the audio padded with zeros. */
export type WhisperFeatures = (samples: Int16Array) => Float32Array;

export function createFeatures(mels: number): WhisperFeatures {
  const logMel = createLogMel(mels);
  return (samples) => {
    // Frames that see nothing but zeros are all alike: only one of them is computed.
    const length = Math.min(WINDOW_SAMPLES, Math.ceil(samples.length / HOP) * HOP + TAIL);
    const padded = new Float32Array(length);
    for (let index = 0; index < Math.min(samples.length, length); index++)
      padded[index] = (samples[index] ?? 0) / 32768;
    const { data, frames } = logMel(padded);
    const features = new Float32Array(mels * FRAMES);
    for (let mel = 0; mel < mels; mel++) {
      const row = data.subarray(mel * frames, (mel + 1) * frames);
      features.set(row, mel * FRAMES);
      features.fill(row[frames - 1] ?? 0, mel * FRAMES + frames, (mel + 1) * FRAMES);
    }
    return features;
  };
}
