/**
 * What a contender knows of another's hold on the lease, and from when on it need not fear that one's engine any more.
 *
 * Nobody's wall clock has a say. The holder counts on its key for its life, from when it asked for the last write, less a margin;
 * a contender counts the whole life, on its own monotonic clock, from when it saw that write, which is later. So when it finds
 * the key unchanged at the end, the engine behind it is dead, and it writes over that very revision: had the holder renewed
 * it meanwhile, the write is refused.
 *
 * A key that was deleted was let go by its holder, who kills its engine first: then there is nothing to wait for. A key that is
 * gone without that (a hand removed it, a bucket let it expire, a disk was restored) tells nothing of its holder, who learns
 * of it by its next renewal at the latest: whoever knew of it waits a whole life more.
 */
export interface Rival {
  revision: number;
  /** Milliseconds from a write until its holder and its engine have surely stopped. */
  lifeMs: number;
  /** When they have, unless the key is written again. */
  deadAt: number;
  /** The key is gone, and nobody has told that it was let go. */
  vanished: boolean;
}

/** What is known of the key's writers. */
export interface Knowledge {
  rival: Rival | undefined;
  /** The newest revision after which others had let go: what is older is old news. */
  released: number;
}

export const nothingKnown: Knowledge = { rival: undefined, released: 0 };

/** The watch told of another's write. */
export function told(known: Knowledge, revision: number, lifeMs: number, now: number): Knowledge {
  const { rival, released } = known;
  if (revision < released || (rival !== undefined && revision <= rival.revision)) return known;
  return { rival: { revision, lifeMs, deadAt: now + lifeMs, vanished: false }, released };
}

/** The key was read, and is another's. The leader's word counts more than what was told before: its stream may have been made anew. */
export function read(known: Knowledge, revision: number, lifeMs: number, now: number): Knowledge {
  const { rival } = known;
  if (rival?.revision === revision && !rival.vanished) return known;
  return { rival: { revision, lifeMs, deadAt: now + lifeMs, vanished: false }, released: 0 };
}

/** The watch told that the key is gone: by a revision of its own when it was let go, by that of the last write when it is only missing. */
export function toldGone(known: Knowledge, revision: number, now: number): Knowledge {
  const { rival, released } = known;
  if (rival === undefined) return { rival, released: Math.max(released, revision) };
  if (revision > rival.revision) return { rival: undefined, released: revision };
  return revision === rival.revision ? missing(known, now) : known;
}

/** The key was looked for and is not there. */
export function missing(known: Knowledge, now: number): Knowledge {
  const { rival, released } = known;
  if (rival === undefined || rival.vanished) return known;
  return { rival: { ...rival, deadAt: now + rival.lifeMs, vanished: true }, released };
}

/** The key is our own since the revision. */
export function outlived({ released }: Knowledge, revision: number): Knowledge {
  return { rival: undefined, released: Math.max(released, revision) };
}
