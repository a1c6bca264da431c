/**
 * Deletes recordings of voices that nobody needs any more: no stored voice is one of them, and no work that is not done may name them. Each
 * use begins its time anew, so one that is sent often is there for good.
 *
 * Their time yields to space: when the bucket is nearly full, those that no job waits for go, the oldest first. What is still in intake brings
 * its recordings along, and would wait for ever for room that it keeps itself.
 */
import { type Bus, type FileInfo, type FileStore, type KeyBucket, listVoices } from "@parlance/bus";
import { durables, lanes, type StoredVoice, streams, subjects } from "@parlance/contracts";
import { oldestUnfinishedIntake } from "./files-janitor.ts";

/** Beyond the time of a use, so that a replay at the last moment still finds it. */
const GRACE_MS = 5 * 60_000;
/** Whatever the settings: who uses one that is younger than half of it does not begin its time anew. */
const SHORTEST_MS = 30 * 60_000;
/** Of the bucket, beyond which it is nearly full. */
const FULL_SHARE = 0.8;

export interface ReferencesClock {
  now: number;
  /** When the oldest job that may name one was stored and is not done; `now` when there is none. */
  oldestJob: number;
  /** The same of what may yet become such a job. */
  oldestIntake: number;
  ttlMs: number;
  /** So many bytes are too many; below 1: there is room. */
  excessBytes: number;
}

/** Which have outlived their time, or yield to space. Pure. */
export function expiredReferences(
  references: readonly FileInfo[],
  kept: ReadonlySet<string>,
  { now, oldestJob, oldestIntake, ttlMs, excessBytes }: ReferencesClock,
): FileInfo[] {
  const due = Math.min(now, oldestJob, oldestIntake) - Math.max(ttlMs, SHORTEST_MS) - GRACE_MS;
  const dispensable = Math.min(now, oldestJob) - SHORTEST_MS;
  let excess = excessBytes;
  return references
    .filter(({ id }) => !kept.has(id))
    .toSorted((a, b) => a.createdAt - b.createdAt)
    .filter(({ createdAt, bytes }) => {
      const goes = createdAt < due || (excess > 0 && createdAt < dispensable);
      if (goes) excess -= bytes;
      return goes;
    });
}

export interface SweepReferencesOptions {
  bus: Bus;
  references: FileStore;
  voices: Pick<KeyBucket<StoredVoice>, "keys" | "get">;
  ttlMs: number;
  now: () => number;
}

/** Returns how many were deleted. */
export async function sweepReferences(options: SweepReferencesOptions): Promise<number> {
  const { bus, references, voices, ttlMs } = options;
  const now = options.now();
  const all = await references.list();
  if (all.length === 0) return 0;
  const { bytes, maxBytes } = await references.state();
  const clock = {
    ...{ now, ttlMs, oldestJob: (await oldestJob(bus)) ?? now },
    oldestIntake: (await oldestUnfinishedIntake(bus)) ?? now,
    excessBytes: maxBytes > 0 ? bytes - FULL_SHARE * maxBytes : 0,
  };
  // Behind the list: a voice that is made meanwhile has begun its recording's time anew.
  const kept = new Set((await listVoices(voices)).map(({ reference }) => reference));
  const expired = expiredReferences(all, kept, clock);
  let deleted = 0;
  for (const { id, createdAt } of expired) {
    if ((await references.info(id))?.createdAt !== createdAt) continue;
    await references.delete(id);
    deleted += 1;
  }
  return deleted;
}

async function oldestJob(bus: Bus): Promise<number | undefined> {
  const times = await Promise.all(lanes.map((lane) => oldestOfLane(bus, lane)));
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

async function oldestOfLane(bus: Bus, lane: (typeof lanes)[number]): Promise<number | undefined> {
  const durable = durables.worker("voice_clone", lane);
  const { pending, ackPending, ackFloor } = await bus.consumerState(streams.jobs, durable);
  if (pending === 0 && ackPending === 0) return undefined;
  const oldest = await bus.first(streams.jobs, subjects.jobLane("voice_clone", lane), { seq: ackFloor + 1 });
  return oldest?.time;
}
