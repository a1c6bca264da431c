/**
 * Whether there is room for what comes of new work: its results in RESULTS, its record in the `batches` bucket. Both refuse when they
 * are full, and a batch that cannot be concluded cannot make room either: so new work ends before that, and what is left is for
 * the done events and summaries of what has been begun.
 */
import { buckets, streams } from "@parlance/contracts";
import { bucketStream } from "../keys/key-bucket.ts";
import type { Bus } from "../types.ts";

/** Of their bytes: beyond it nothing new is begun. The janitor makes room from 80 % on. */
export const OUTCOMES_FULL_SHARE = 0.9;
const FRESH_MS = 1_000;

/** The larger share of its bytes that one of the two takes; 0 where they have no limit. Throws what asking NATS throws. */
export async function outcomesShare(bus: Pick<Bus, "streamState">): Promise<number> {
  const states = await Promise.all(
    [streams.results, bucketStream(buckets.batches)].map((name) => bus.streamState(name)),
  );
  return Math.max(...states.map(({ bytes, maxBytes }) => (maxBytes > 0 ? bytes / maxBytes : 0)));
}

/** Asked before each piece of work: an answer serves for a second, and the old one while it is asked anew. */
export function watchOutcomeRoom(bus: Pick<Bus, "streamState">): () => Promise<boolean> {
  let full = false;
  let freshUntil = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    try {
      full = (await outcomesShare(bus)) >= OUTCOMES_FULL_SHARE;
      freshUntil = performance.now() + FRESH_MS;
    } catch {
      // NATS is away: whoever works notices by himself.
    } finally {
      asking = undefined;
    }
  }

  return async () => {
    if (performance.now() >= freshUntil) asking ??= ask();
    // Room that was there a moment ago still is; that it has come is waited for.
    if (full) await asking;
    return !full;
  };
}
