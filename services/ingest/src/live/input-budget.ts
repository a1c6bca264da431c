/**
 * How much audio of a session may be heard at once: twice real time, and a burst. Who pushes a recording through as a live session
 * takes no more of the machine than others. What is heard again is not counted. Pure; the clock is given.
 */

const BURST_SECONDS = 20;
const TIMES_REAL = 2;

export interface InputBudget {
  /** The session's audio up to so many seconds is to be heard. Returns for how many milliseconds it is not to be yet. */
  take(to: number, now: number): number;
}

export function createInputBudget(from: number, now: number): InputBudget {
  let left = BURST_SECONDS;
  let furthest = from;
  let at = now;
  return {
    take(to, time) {
      left = Math.min(BURST_SECONDS, left + ((time - at) / 1_000) * TIMES_REAL) - Math.max(0, to - furthest);
      furthest = Math.max(furthest, to);
      at = time;
      return left >= 0 ? 0 : Math.ceil((-left / TIMES_REAL) * 1_000);
    },
  };
}
