/**
 * Whether a model fits the memory that its accelerator has free: pure.
 *
 * What it needs is what it took when it was loaded last, or more than was free when it ran out; before any of that, at least its
 * weights. All three can be wrong (others take and give memory at the same time), so nothing is kept waiting for ever: after a
 * while it is tried all the same, and after a failure not so soon again.
 */
import { SpeechError } from "@parlance/contracts";
import type { Memory } from "@parlance/inference/accelerators";

export interface MemoryNeed {
  /** Bytes of its weights, as far as they are known. */
  weights: number;
  /** Bytes that it took when it was loaded last. */
  taken?: number | undefined;
  /** Bytes that were free when a load ran out of memory, and how often that was since one did not. */
  ranOut?: { freeBytes: number; times: number } | undefined;
}

const TRIED_AFTER_MS = 60_000;
const TRIED_AFTER_AT_MOST_MS = 600_000;
const GB = 1e9;
/** Than was not enough: what others have sways a little. */
const MORE = 1.05;

export function bytesOf({ weights, taken = weights, ranOut }: MemoryNeed): number {
  return Math.max(taken, ranOut === undefined ? 0 : ranOut.freeBytes * MORE);
}

/** @param waitedMs since it did not fit first */
export function mayLoad(need: MemoryNeed, { freeBytes }: Memory, waitedMs: number): boolean {
  const triedAfterMs = Math.min(TRIED_AFTER_MS * 2 ** (need.ranOut?.times ?? 0), TRIED_AFTER_AT_MOST_MS);
  return bytesOf(need) <= freeBytes || waitedMs >= triedAfterMs;
}

/** What is told of a load that waits for memory. */
export function memoryShort(model: string, device: string, need: MemoryNeed, memory: Memory): SpeechError {
  const inGb = (bytes: number) => (bytes / GB).toFixed(1);
  const { freeBytes, totalBytes } = memory;
  const wanted = need.ranOut === undefined ? `about ${inGb(bytesOf(need))} GB` : "more";
  return new SpeechError(
    "memory_short",
    `The model ${model} waits for memory: it needs ${wanted}, and ${device} has ${inGb(freeBytes)} of ${inGb(totalBytes)} GB free.`,
  );
}
