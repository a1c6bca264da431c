/**
 * How much audio of a session may be heard at once: twice real time, and a burst. Who pushes a recording through as a live session
 * takes no more of the machine than others. Pure; the clock is given.
 */

const BURST_SECONDS = 20;
const TIMES_REAL = 2;

export interface InputBudget {
  /** Takes so many seconds of audio. Returns for how many milliseconds it is not to be heard yet. */
  take(seconds: number, now: number): number;
}

export function createInputBudget(now: number): InputBudget {
  let left = BURST_SECONDS;
  let at = now;
  return {
    take(seconds, time) {
      left = Math.min(BURST_SECONDS, left + ((time - at) / 1_000) * TIMES_REAL) - seconds;
      at = time;
      return left >= 0 ? 0 : Math.ceil((-left / TIMES_REAL) * 1_000);
    },
  };
}
