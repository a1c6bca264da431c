/**
 * How much work a run may have so that passes can give way often enough, learned from how long runs take. On the CPU runs of
 * many nodes are cut; what a node costs depends on model, format and machine, and is not worth knowing beforehand.
 */

/** Well below the 250 ms that yield points may be apart: other processes have the cores too. */
const AIM_MS = 150;
const FIRST = 16;

export interface Pace {
  /** Most work for a run; at least 1. */
  readonly most: number;
  took(work: number, milliseconds: number): void;
}

export function createPace(): Pace {
  let most = FIRST;
  return {
    get most() {
      return most;
    },
    took(work, milliseconds) {
      const fitting = Math.max(1, Math.floor((work * AIM_MS) / Math.max(milliseconds, 0.01)));
      if (milliseconds > AIM_MS) most = Math.min(most, fitting);
      // Small runs cost more for each of their nodes: of them nothing is learned about larger ones.
      else if (work >= most) most = Math.min(2 * most, fitting);
    },
  };
}

/** Where yield points cost more than they are worth. */
export const unhurried: Pace = { most: Number.POSITIVE_INFINITY, took: () => {} };

/** Numbers of pieces of about the same size, none larger than `most`. */
export function evenly(count: number, most: number): number[] {
  const pieces = Math.max(1, Math.ceil(count / Math.max(1, most)));
  return Array.from(
    { length: pieces },
    (_, piece) => Math.floor(((piece + 1) * count) / pieces) - Math.floor((piece * count) / pieces),
  );
}
