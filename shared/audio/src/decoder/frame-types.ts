/** What goes over the pipe between the pool and a decoder process. */
export const frameTypes = {
  /** Process → pool: it runs. */
  ready: 1,
  /** Pool → process: limits of the item that follows, JSON. */
  begin: 2,
  /** Pool → process: encoded audio. */
  data: 3,
  /** Pool → process: the item's audio is complete (or no more of it is needed). */
  end: 4,
  /** Process → pool: a segment. */
  segment: 5,
  /** Process → pool: the item is done. */
  done: 6,
  /** Process → pool: the item failed, JSON. */
  failed: 7,
} as const;
