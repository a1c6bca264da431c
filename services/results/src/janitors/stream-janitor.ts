/**
 * Makes room in JOBS and INTAKE, which refuse new messages when they are full. Each durable's messages are looked at by themselves, so
 * that one which waits for a worker that never comes keeps nothing but its own lane. Only what a durable has finished is ever
 * purged: what was delivered, with nothing before it unacknowledged. Counts may lag in a cluster, these never run ahead.
 *
 * Finished messages stay for REPLAY_WINDOW, so that they can be replayed, but that wish yields to new work: beyond half of
 * the stream's bytes the oldest finished ones go first.
 */
import type { Bus, ConsumerState } from "@parlance/bus";

const FULL_SHARE = 0.5;
const TARGET_SHARE = 0.4;
/** However short REPLAY_WINDOW is: whoever published or acknowledged a message is done with it by then. */
const SHORTEST_WINDOW_MS = 60_000;
const MOST_ROUNDS = 24;

/** What one durable takes from a stream. */
export interface StreamDurable {
  durable: string;
  subject: string;
}

/** A durable's finished messages, by stream sequence: `first` is the oldest of its messages, finished or not. */
export interface Finished {
  first: number;
  last: number;
}

/** Messages of the durable up to this sequence are delivered and acknowledged. Pure. */
export function finishedUpTo({ ackFloor, delivered }: Pick<ConsumerState, "ackFloor" | "delivered">): number {
  return Math.min(ackFloor, delivered);
}

/** The durable's messages below this sequence may go. Pure. */
export function windowLimit(finished: Finished, firstInWindow: number | undefined): number {
  return Math.min(finished.last + 1, firstInWindow ?? Number.POSITIVE_INFINITY);
}

/**
 * Finished messages below this sequence go to get rid of a share of them, the oldest first; undefined where none is finished.
 * Messages are taken for equally large and evenly spread: the next round corrects it. Pure.
 */
export function pressureLimit(durables: readonly Finished[], share: number): number | undefined {
  const some = durables.filter(({ first, last }) => first <= last);
  if (some.length === 0) return undefined;
  const oldest = Math.min(...some.map(({ first }) => first));
  const newest = Math.max(...some.map(({ last }) => last));
  return oldest + Math.ceil((newest - oldest + 1) * Math.min(1, share));
}

/** What share of a full stream has to go; 0 when it is not full. Pure. */
export function shareToFree({ bytes, maxBytes }: { bytes: number; maxBytes: number }, fullShare = FULL_SHARE): number {
  if (maxBytes <= 0 || bytes <= maxBytes * fullShare) return 0;
  return (bytes - maxBytes * TARGET_SHARE) / bytes;
}

export interface SweepOptions {
  bus: Bus;
  stream: string;
  /** Of all its messages. */
  subject: string;
  durables: readonly StreamDurable[];
  replayWindowMs: number;
  now: () => number;
}

/** Returns how many messages were purged. */
export async function sweepStream(options: SweepOptions): Promise<number> {
  const { bus, stream, subject: every, durables, replayWindowMs, now } = options;
  if ((await bus.streamState(stream)).messages === 0) return 0;
  let purged = 0;

  async function finishedOf({ durable, subject }: StreamDurable): Promise<Finished> {
    // The durable before its oldest message: what is purged or published in between makes less of it, never more.
    const last = finishedUpTo(await bus.consumerState(stream, durable));
    const oldest = last === 0 ? undefined : await bus.first(stream, subject, { seq: 1 });
    return { first: oldest?.seq ?? last + 1, last };
  }

  /** Each durable's finished messages below `limitOf` it. */
  async function purge(finished: readonly Finished[], limitOf: (of: Finished) => number): Promise<void> {
    for (const [index, of] of finished.entries()) {
      const limit = Math.min(limitOf(of), of.last + 1);
      const subject = durables[index]?.subject;
      if (subject !== undefined && of.first < limit) purged += await bus.purgeBelow(stream, limit, subject);
    }
  }

  const windowBegins = new Date(now() - Math.max(replayWindowMs, SHORTEST_WINDOW_MS));
  const young = await bus.first(stream, every, { time: windowBegins });
  await purge(await Promise.all(durables.map(finishedOf)), (of) => windowLimit(of, young?.seq));

  let fullShare: number | undefined;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const share = shareToFree(await bus.streamState(stream), fullShare);
    if (share <= 0) break;
    const left = await Promise.all(durables.map(finishedOf));
    const limit = pressureLimit(left, share);
    if (limit === undefined) break;
    await purge(left, () => limit);
    // What was begun is brought to its end.
    fullShare = TARGET_SHARE;
  }
  return purged;
}
