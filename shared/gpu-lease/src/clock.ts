/**
 * Time for deadlines: milliseconds of `process.hrtime()`. It never jumps, and every process of one machine reads the
 * same clock, so that a deadline taken here means the same moment in the engine process. It says nothing about
 * another machine's time, and nothing here ever compares two machines.
 */
export interface Clock {
  now(): number;
  /** Calls back at `at` or soon after. Returns how to cancel. */
  schedule(at: number, call: () => void): () => void;
}

export const monotonicClock: Clock = {
  now: () => Number(process.hrtime.bigint()) / 1e6,
  schedule(at, call) {
    const timer = setTimeout(call, Math.max(0, Math.ceil(at - monotonicClock.now())));
    return () => clearTimeout(timer);
  },
};
