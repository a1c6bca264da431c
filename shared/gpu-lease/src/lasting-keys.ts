/**
 * Whether the server keeps the lease's keys until somebody deletes them. One that expired would do so by the server's wall
 * clock, which may jump while a holder lives, and leave no trace of it: that is not worked around, the start ends.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { KeyBucket } from "@parlance/bus";
import { buckets, SpeechError } from "@parlance/contracts";

const ANSWER_MS = 2_000;
const PAUSE_MS = 250;
/** Longer than a cluster takes to elect the leader that answers. */
const TIMEOUT_MS = 15_000;

/** Throws `validation_failed`, naming LEASE_TTL. `timeoutMs`: how long is asked. */
export async function requireLastingKeys(
  bucket: Pick<KeyBucket<unknown>, "state">,
  timeoutMs: number = TIMEOUT_MS,
): Promise<void> {
  const ageMs = await longestAge(bucket, timeoutMs);
  if (ageMs === 0) return;
  const why =
    ageMs === undefined
      ? "the server does not tell whether they do"
      : `the server lets them go after ${ageMs / 1_000} s`;
  throw new SpeechError(
    "validation_failed",
    `LEASE_TTL: keys of the bucket ${buckets.lease} must not expire and ${why}; make the topology with this version`,
    { param: "LEASE_TTL" },
  );
}

/** Milliseconds that the bucket's keys live, as the server has it; 0: for ever; undefined when it does not tell in time. */
async function longestAge(bucket: Pick<KeyBucket<unknown>, "state">, timeoutMs: number): Promise<number | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const state = await bucket.state({ timeoutMs: ANSWER_MS }).catch(() => undefined);
    if (state !== undefined) return state.maxAgeMs;
    if (performance.now() + PAUSE_MS >= deadline) return undefined;
    await pause(PAUSE_MS);
  }
}
