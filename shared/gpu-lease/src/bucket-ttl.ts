/**
 * Whether the server lets the lease's keys live for as long as their holders count on. A key that expires earlier makes two
 * holders of one, and one that never expires makes a dead holder the last: neither is worked around, the start ends.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "@parlance/bus";
import { buckets, SpeechError } from "@parlance/contracts";
import { parseJson } from "./wanted.ts";

const ANSWER_MS = 2_000;
const PAUSE_MS = 250;
/** Longer than a cluster takes to elect the leader that answers. */
const PATIENCE_MS = 15_000;

/** Throws `validation_failed`, naming LEASE_TTL. `patienceMs`: how long is asked. */
export async function requireBucketTtl(
  bus: Pick<Bus, "request">,
  ttlMs: number,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const liveMs = await bucketTtl(bus, patienceMs);
  if (liveMs !== undefined && liveMs >= ttlMs) return;
  const why =
    liveMs === undefined
      ? "the server does not tell how long they do"
      : liveMs === 0
        ? "the server never lets them go"
        : `the server lets them go after ${liveMs / 1_000} s`;
  throw new SpeechError(
    "validation_failed",
    `LEASE_TTL: keys of the bucket ${buckets.lease} must live for ${ttlMs / 1_000} s and ${why}; make the topology with the same LEASE_TTL`,
    { param: "LEASE_TTL" },
  );
}

/** Milliseconds that the bucket's keys live, as the server has it; 0: for ever; undefined when it does not tell in time. */
async function bucketTtl(bus: Pick<Bus, "request">, patienceMs: number): Promise<number | undefined> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await bus.request(`$JS.API.STREAM.INFO.KV_${buckets.lease}`, "", ANSWER_MS).catch(() => undefined);
    const nanoseconds = answer && parseJson(answer, maxAgeOf);
    if (nanoseconds !== undefined) return nanoseconds / 1e6;
    if (performance.now() + PAUSE_MS >= deadline) return undefined;
    await pause(PAUSE_MS);
  }
}

function maxAgeOf(streamInfo: unknown): number | undefined {
  if (typeof streamInfo !== "object" || streamInfo === null || !("config" in streamInfo)) return undefined;
  const { config } = streamInfo;
  if (typeof config !== "object" || config === null || !("max_age" in config)) return undefined;
  return typeof config.max_age === "number" ? config.max_age : undefined;
}
