/** The newest messages of a stream that can only be read forwards: a window at its end, widened until it holds as many as are wanted. */

/** Other messages lie between those that are wanted. */
const FIRST_WINDOW = 4;
const WIDER = 8;

export interface NewestOptions {
  firstSeq: number;
  lastSeq: number;
  limit: number;
  /** Those that lie before this sequence. */
  before?: number | undefined;
}

/** Newest first; `next`: where the older ones end, null when there are none. */
export async function newestOf<Found extends { seq: number }>(
  readFrom: (seq: number) => AsyncIterable<Found>,
  { firstSeq, lastSeq, limit, before = Number.POSITIVE_INFINITY }: NewestOptions,
): Promise<{ found: Found[]; next: number | null }> {
  const end = Math.min(before, lastSeq + 1);
  for (let window = limit * FIRST_WINDOW; ; window *= WIDER) {
    const from = Math.max(firstSeq, end - window);
    const found: Found[] = [];
    if (from < end) {
      for await (const message of readFrom(from)) {
        if (message.seq >= end) break;
        found.push(message);
        // One more than is wanted tells that there are older ones.
        if (found.length > limit + 1) found.shift();
      }
    }
    if (found.length <= limit && from > firstSeq) continue;
    const page = found.slice(-limit);
    return { found: page.reverse(), next: found.length > limit ? (page.at(-1)?.seq ?? null) : null };
  }
}
