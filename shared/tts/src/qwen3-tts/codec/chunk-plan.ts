/**
 * In which chunks a row's frames become sound: of a row that is listened to the first one is small, so that its sound leaves soon, and
 * each is twice as long as the one before, up to a bound. The plan follows from the row alone. Pure.
 */

export interface ChunkSizes {
  /** Frames of the first chunk. */
  first: number;
  /** Of the largest. */
  most: number;
}

export interface Chunk {
  /** Its first frame. */
  begin: number;
  /** Behind its last. */
  end: number;
}

export interface ChunkPlan {
  /** The next chunk that is whole when there are so many frames; when the row has ended, whatever is left. */
  next(frames: number, ended: boolean): Chunk | undefined;
}

export function createChunkPlan({ first, most }: ChunkSizes): ChunkPlan {
  let begin = 0;
  let size = Math.min(first, most);
  return {
    next(frames, ended) {
      const left = frames - begin;
      if (left < (ended ? 1 : size)) return undefined;
      const chunk = { begin, end: begin + Math.min(left, size) };
      begin = chunk.end;
      size = Math.min(most, 2 * size);
      return chunk;
    },
  };
}
