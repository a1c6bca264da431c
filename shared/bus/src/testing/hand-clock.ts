/** A clock that stands still until it is told to go on: whole minutes pass in a test that takes none. */
import type { HoldClock } from "../consumer/hold.ts";

export interface HandClock extends HoldClock {
  /** Goes on, and calls everything that comes due, at its time and in order. */
  pass(ms: number): void;
  /** Goes on while the process is stopped: what came due meanwhile is called at the end. */
  stopFor(ms: number): void;
}

export function handClock(start = 0): HandClock {
  let now = start;
  const due = new Set<{ at: number; call: () => void }>();

  function pass(ms: number): void {
    const until = now + ms;
    for (;;) {
      const next = [...due].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      due.delete(next);
      now = Math.max(now, next.at);
      next.call();
    }
    now = until;
  }

  return {
    now: () => now,
    schedule(at, call) {
      const entry = { at, call };
      due.add(entry);
      return () => due.delete(entry);
    },
    pass,
    stopFor(ms) {
      now += ms;
      pass(0);
    },
  };
}
