/**
 * How fast audio goes on: OpenAI's clients may send a whole recording at once, a live session takes it little faster than it is spoken.
 * Whoever sends too much waits, by TCP. Pure.
 */
export interface Pace {
  /** Milliseconds until so many seconds of audio may go on; 0: now. */
  waitMs(seconds: number): number;
  sent(seconds: number): void;
  /** Up to where the live session has heard, in seconds. */
  heard(upTo: number): void;
}

/** Below what a live session takes at most (gateway/src/live). */
const SPEED = 1.9;
const AT_ONCE_SECONDS = 15;
const MOST_UNHEARD_SECONDS = 20;
/** Until somebody hears it, and tells. */
const LOOK_MS = 250;

export function createPace(now: () => number): Pace {
  let level = 0;
  let at = now();
  let total = 0;
  let heardUpTo = 0;

  function drain(): void {
    level = Math.max(0, level - ((now() - at) / 1_000) * SPEED);
    at = now();
  }

  return {
    waitMs(seconds) {
      drain();
      if (total > heardUpTo && total + seconds - heardUpTo > MOST_UNHEARD_SECONDS) return LOOK_MS;
      const over = level + seconds - AT_ONCE_SECONDS;
      return over <= 0 ? 0 : Math.ceil((over / SPEED) * 1_000);
    },
    sent(seconds) {
      drain();
      level += seconds;
      total += seconds;
    },
    heard(upTo) {
      heardUpTo = Math.max(heardUpTo, upTo);
    },
  };
}
