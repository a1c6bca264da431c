/** Recordings as people make them: sentences in no order with pauses between, and of many lengths. */
import { SAMPLE_RATE } from "@parlance/contracts";
import { decodeClip, demoClips } from "../../src/clips.ts";

/** Seconds of silence between two sentences. */
const PAUSES = { shortest: 0.2, longest: 1.5 };

/** Exactly `seconds` of it, 16 kHz mono. */
export async function spokenSamples(seconds: number, random: () => number): Promise<Int16Array> {
  const sentences = await Promise.all((await demoClips()).map(decodeClip));
  const samples = new Int16Array(Math.round(seconds * SAMPLE_RATE));
  for (let filled = 0; filled < samples.length; ) {
    const sentence = sentences[Math.floor(random() * sentences.length)] ?? new Int16Array();
    const part = sentence.subarray(0, samples.length - filled);
    samples.set(part, filled);
    const pause = PAUSES.shortest + random() * (PAUSES.longest - PAUSES.shortest);
    filled += part.length + Math.round(pause * SAMPLE_RATE);
  }
  return samples;
}

export interface Skew {
  /** Seconds. */
  median: number;
  shortest: number;
  longest: number;
  /** Standard deviation of the lengths' logarithm. */
  spread: number;
}

/** Log-normal lengths in seconds, none beyond the bounds. */
export function skewedLengths(count: number, { median, shortest, longest, spread }: Skew, random: () => number) {
  return Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(longest, Math.max(shortest, median * Math.exp(spread * normal)));
  });
}
