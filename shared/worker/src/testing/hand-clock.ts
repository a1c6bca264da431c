/** A clock that stands still until it is told to go on: whole minutes pass in a test that takes none. */
import type { Clock } from "@parlance/gpu-lease";

export interface HandClock extends Clock {
  /** Goes on, and calls everything that comes due, at its time and in order. */
  pass(ms: number): void;
}

export function handClock(start = 0): HandClock {
  let now = start;
  const due = new Set<{ at: number; call: () => void }>();
  return {
    now: () => now,
    schedule(at, call) {
      const entry = { at, call };
      due.add(entry);
      return () => due.delete(entry);
    },
    pass(ms) {
      const until = now + ms;
      for (;;) {
        const next = [...due].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        due.delete(next);
        now = Math.max(now, next.at);
        next.call();
      }
      now = until;
    },
  };
}
