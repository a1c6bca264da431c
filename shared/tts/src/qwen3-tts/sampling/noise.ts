/**
 * A row's noise: for each frame a number from 0 to below 1 for each of its codes, which follow from the row's seed and the frame's
 * number alone. So a row says the same alone, in a pass, and tomorrow. Pure.
 */
import { createHash } from "node:crypto";
import { uniform } from "@parlance/generation";
import type { SpeechText } from "../../types.ts";

/** Of float32: the graphs take it as such, and some numbers would be rounded up to 1. */
const LARGEST = 1 - 2 ** -24;
/** No frame has this number of a draw: a row has fewer than 2^28 frames. */
const NEXT_SEED = 2 ** 32 - 1;

/** [codes], the first code's number first. */
export function frameNoise(seed: number, frame: number, codes: number): Float32Array {
  const first = frame * codes;
  return Float32Array.from({ length: codes }, (_, code) => Math.min(LARGEST, uniform(seed, first + code)));
}

/** Of a row that names none: it follows from all that decides what is said and how, but for the speed. */
export function seedOf({ text, language, voice, instructions, reference }: SpeechText): number {
  const hash = createHash("sha256").update(
    JSON.stringify([text, language, voice ?? null, instructions, reference?.text ?? null]),
  );
  if (reference !== undefined) hash.update(reference.samples);
  return hash.digest().readUInt32LE(0);
}

/** The seed of a second try. */
export function nextSeed(seed: number): number {
  return Math.floor(uniform(seed, NEXT_SEED) * 2 ** 32);
}
