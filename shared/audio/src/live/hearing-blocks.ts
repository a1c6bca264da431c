/**
 * Where hearing may begin anew, so that it hears what it heard before. Pure.
 *
 * A voice activity model remembers all that it has heard. Here it forgets: each block of 4.096 s is heard by a memory that began
 * 1.024 s before the block. So what is heard in a block depends on the block and its second before, and on nothing else:
 * whoever begins at a block's second before hears the block, and all after it, as one did who has heard everything.
 */
import type { LiveFormat } from "@parlance/contracts";
import { phaseOf } from "./live-format.ts";

/** Samples of 16 kHz that one probability is of. */
export const WINDOW = 512;
/** Samples of 16 kHz of a block, and of what is heard before one to get used to it. */
export const BLOCK = 128 * WINDOW;
export const BEFORE_BLOCK = 32 * WINDOW;

/** Samples of 16 kHz after a decoder's beginning that depend on what was before it: half of the resampler's longest filter. */
const FILTER = 64;
/** Opus packets lean on those before them: after a second nothing of that is left. */
const OPUS_FILTER = 16_000;
const settled = ({ encoding }: LiveFormat) => (encoding === "opus" ? OPUS_FILTER : FILTER);

/**
 * The latest position, at the session's own rate, from which everything from `at` on (16 kHz) is heard as by who has heard it all: at
 * most 5.2 s before it, 6.2 s with Opus. It is a multiple of what keeps the resampler's phase.
 */
export function hearFrom(at: number, format: LiveFormat): number {
  const block = Math.floor(at / BLOCK) * BLOCK;
  if (block === 0) return 0;
  const { own, heard } = phaseOf(format);
  return Math.floor((block - BEFORE_BLOCK - settled(format)) / heard) * own;
}

/** The first sample of 16 kHz that is heard reliably by who begins at `from` (own rate): a block's first. */
export function firstHeard(from: number, format: LiveFormat): number {
  if (from === 0) return 0;
  const { own, heard } = phaseOf(format);
  const begins = Math.ceil((from * heard) / own);
  return Math.ceil((begins + settled(format) + BEFORE_BLOCK) / BLOCK) * BLOCK;
}
