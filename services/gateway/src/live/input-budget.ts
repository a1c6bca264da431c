/** How much audio a caller may send: twice as fast as it is spoken, and ten seconds of that at once. Pure. */

/** Seconds of audio in a second, and for how many seconds at once. */
export const INPUT = { speed: 2, seconds: 10 } as const;
/** What the smallest frame counts: each costs a message, however little is in it. */
const LEAST_SECONDS = 0.005;

export interface InputBudget {
  /** False: it is more than there may be. */
  take(seconds: number): boolean;
}

/** @param credit seconds of audio that were heard before and may come again, beside what there may be. */
export function createInputBudget(now: () => number, credit = 0): InputBudget {
  let level = -credit;
  let at = now();
  return {
    take(seconds) {
      const passed = (now() - at) / 1_000;
      at = now();
      // What is left of the credit does not grow.
      if (level > 0) level = Math.max(0, level - passed * INPUT.speed);
      level += Math.max(seconds, LEAST_SECONDS);
      return level <= INPUT.speed * INPUT.seconds;
    },
  };
}
