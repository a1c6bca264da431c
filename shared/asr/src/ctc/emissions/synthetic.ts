/** Made-up emissions for tests and benches. */
import type { Emissions } from "./emissions.ts";

/** A generator of numbers in [0, 1) that is the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Log-probabilities from scores [frames][labels]. */
export function toEmissions(scores: readonly (readonly number[])[]): Emissions {
  const labels = scores[0]?.length ?? 0;
  const data = Float32Array.from(
    scores.flatMap((row) => {
      const sum = Math.log(row.reduce((total, score) => total + Math.exp(score), 0));
      return row.map((score) => score - sum);
    }),
  );
  return { data, offset: 0, frames: scores.length, labels };
}

export function randomEmissions(frames: number, labels: number, random: () => number, spread = 4): Emissions {
  const row = () => Array.from({ length: labels }, () => spread * random());
  return toEmissions(Array.from({ length: frames }, row));
}

export interface SpokenOptions {
  labels: number;
  /** Frames of blank between two labels. */
  gap?: number;
  /** How sure the likeliest label is, as a score above the others. */
  certainty?: number;
  random?: () => number;
}

/** Emissions that say these labels, one frame each, with blanks between them. */
export function spokenEmissions(said: readonly number[], options: SpokenOptions): Emissions {
  const { labels, gap = 2, certainty = 8, random = () => 0 } = options;
  const rows: number[][] = [];
  const push = (label: number) =>
    rows.push(Array.from({ length: labels }, (_, index) => (index === label ? certainty : 0) + random()));
  for (const label of said) {
    for (let blank = 0; blank < gap; blank++) push(0);
    push(label);
  }
  for (let blank = 0; blank < gap; blank++) push(0);
  return toEmissions(rows);
}
