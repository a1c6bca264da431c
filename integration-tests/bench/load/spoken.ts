/** Recordings as people make them: sentences in no order with pauses between, and of many lengths. */
import { SAMPLE_RATE } from "@parlance/contracts";
import { decodeClip, demoClips } from "../../src/clips.ts";

/** Seconds of silence between two sentences. */
const PAUSES = { shortest: 0.2, longest: 1.5 };

/** A sentence in it that is whole. */
export interface SpokenSentence {
  /** The committed sentence's file. */
  name: string;
  /** Seconds from the beginning. */
  start: number;
}

/** Exactly `seconds` of it, 16 kHz mono. */
export async function spokenSamples(seconds: number, random: () => number): Promise<Int16Array> {
  return (await spokenSentences(seconds, random)).samples;
}

/** The same, with where its sentences lie. */
export async function spokenSentences(
  seconds: number,
  random: () => number,
): Promise<{ samples: Int16Array; sentences: SpokenSentence[] }> {
  const clips = await Promise.all(
    (await demoClips()).map(async (clip) => ({ name: clip.name, samples: await decodeClip(clip) })),
  );
  const samples = new Int16Array(Math.round(seconds * SAMPLE_RATE));
  const sentences: SpokenSentence[] = [];
  for (let filled = 0; filled < samples.length; ) {
    const { name, samples: whole } = clips[Math.floor(random() * clips.length)] ?? {
      name: "",
      samples: new Int16Array(),
    };
    const part = whole.subarray(0, samples.length - filled);
    samples.set(part, filled);
    if (part.length === whole.length) sentences.push({ name, start: filled / SAMPLE_RATE });
    const pause = PAUSES.shortest + random() * (PAUSES.longest - PAUSES.shortest);
    filled += part.length + Math.round(pause * SAMPLE_RATE);
  }
  return { samples, sentences };
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
