/**
 * A row's noise: for each frame a number from 0 to below 1 for each of its codes, which follow from the row's seed and the frame's
 * number alone. So a row says the same alone, in a pass, and tomorrow. Pure.
 */
import { uniform } from "@parlance/generation";

/** Of float32: the graphs take it as such, and some numbers would be rounded up to 1. */
const LARGEST = 1 - 2 ** -24;
/** No frame has this number of a draw: a row has fewer than 2^28 frames. */
const NEXT_SEED = 2 ** 32 - 1;

/** [codes], the first code's number first. */
export function frameNoise(seed: number, frame: number, codes: number): Float32Array {
  const first = frame * codes;
  return Float32Array.from({ length: codes }, (_, code) => Math.min(LARGEST, uniform(seed, first + code)));
}

/** The seed of a second try. */
export function nextSeed(seed: number): number {
  return Math.floor(uniform(seed, NEXT_SEED) * 2 ** 32);
}
