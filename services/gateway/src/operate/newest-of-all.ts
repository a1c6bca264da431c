/**
 * One list of what lies in several places, the newest first, page by page. A page ends with a moment and not within it: what came in the
 * same millisecond stays together, so that no page leaves any of it out.
 */

export interface Dated {
  id: string;
  /** Milliseconds since the epoch. */
  at: number;
}

/** The newest before a moment: at least `count`, or all there are. What came at `since` or later is all there. */
export type Source<Entry extends Dated> = (
  count: number,
  before: number,
) => Promise<{ found: readonly Entry[]; since: number }>;

/**
 * Of an entry that several sources have the last one counts, so each is asked before those that an entry moves on to. `next`: what
 * `before` is to be for the older ones, null when there are none.
 */
export async function newestOfAll<Entry extends Dated>(
  sources: readonly Source<Entry>[],
  { limit, before = Number.POSITIVE_INFINITY }: { limit: number; before?: number | undefined },
): Promise<{ found: Entry[]; next: number | null }> {
  for (let count = limit + 1; ; count *= 2) {
    const known = new Map<string, Entry>();
    let since = Number.NEGATIVE_INFINITY;
    for (const source of sources) {
      const part = await source(count, before);
      since = Math.max(since, part.since);
      for (const entry of part.found) known.set(entry.id, entry);
    }
    const all = [...known.values()].filter(({ at }) => at >= since && at < before).sort((a, b) => b.at - a.at);
    const hasAll = since === Number.NEGATIVE_INFINITY;
    if (all.length <= limit && !hasAll) continue;
    const oldest = all[limit - 1]?.at ?? Number.NEGATIVE_INFINITY;
    const found = all.filter(({ at }) => at >= oldest);
    return { found, next: found.length < all.length || !hasAll ? oldest : null };
  }
}
