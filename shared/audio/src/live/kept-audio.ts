/** The last stretch of a session's samples, from a position on that only moves forward. */

export interface KeptAudio {
  /** Positions of the first sample that is kept, and behind the last one. */
  readonly start: number;
  readonly end: number;
  /** What lies before the beginning is passed over. */
  append(samples: Int16Array): void;
  /** A copy. Positions outside of what is kept are clamped to it. */
  read(from: number, to: number): Int16Array;
  dropBefore(position: number): void;
}

/** Samples that a store has room for at least: a second. */
const LEAST_ROOM = 16_000;

/** @param start of what is to be kept. @param next position of the first sample that is appended, at most `start`. */
export function createKeptAudio(start: number, next: number): KeptAudio {
  let buffer = new Int16Array(LEAST_ROOM);
  let skip = start - next;
  let filled = 0;

  function resize(room: number): void {
    const other = new Int16Array(room);
    other.set(buffer.subarray(0, filled));
    buffer = other;
  }

  return {
    get start() {
      return start;
    },
    get end() {
      return start + filled;
    },
    append(samples) {
      const skipped = Math.min(skip, samples.length);
      skip -= skipped;
      const rest = samples.subarray(skipped);
      if (filled + rest.length > buffer.length) resize(Math.max(filled + rest.length, buffer.length * 2));
      buffer.set(rest, filled);
      filled += rest.length;
    },
    read: (from, to) => buffer.slice(Math.max(0, from - start), Math.min(filled, to - start)),
    dropBefore(position) {
      const dropped = Math.min(position - start, filled);
      if (dropped <= 0) return;
      buffer.copyWithin(0, dropped, filled);
      filled -= dropped;
      start += dropped;
      // Who was silent for long after a long utterance needs little.
      if (buffer.length > 4 * LEAST_ROOM && filled < LEAST_ROOM) resize(LEAST_ROOM);
    },
  };
}
