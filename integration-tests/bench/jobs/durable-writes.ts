/** How many messages nats-server has stored on its disk, by the sequence numbers that it gives them. */
import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "@parlance/bus";
import { buckets, readSettings } from "@parlance/contracts";
import { topology, topologySettings } from "@parlance/nats";

/** By stream: the sequence of its newest message. Sequences are never given twice, whatever is deleted. */
export type Sequences = Readonly<Record<string, number>>;

/** The lease is renewed by the clock, and not for any work. */
const BY_THE_CLOCK = `KV_${buckets.lease}`;
const LOOK_EVERY_MS = 100;
const LIMIT_MS = 30_000;

/** Of all streams and buckets that lie on the disk. */
export async function readSequences(bus: Bus): Promise<Sequences> {
  const { streams } = topology(readSettings(topologySettings, {}));
  const kept = streams.filter(({ name, storage }) => `${storage}` === "file" && name !== BY_THE_CLOCK);
  const states = await Promise.all(
    kept.map(async ({ name }) => [name, (await bus.streamState(name)).lastSeq] as const),
  );
  return Object.fromEntries(states);
}

/** The same when nothing is stored any more: summaries come behind the last item. Throws when that goes on. */
export async function settledSequences(bus: Bus): Promise<Sequences> {
  let before = await readSequences(bus);
  for (const deadline = Date.now() + LIMIT_MS; Date.now() < deadline; ) {
    await pause(LOOK_EVERY_MS);
    const now = await readSequences(bus);
    if (writesBetween(before, now).length === 0) return now;
    before = now;
  }
  throw new Error("something is stored all the time");
}

/** Streams in which something was stored, and how much. */
export function writesBetween(before: Sequences, after: Sequences): [stream: string, writes: number][] {
  return Object.entries(after)
    .map(([stream, seq]): [string, number] => [stream, seq - (before[stream] ?? 0)])
    .filter(([, writes]) => writes > 0);
}
