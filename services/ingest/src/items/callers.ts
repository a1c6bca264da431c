/**
 * Whether somebody waits for an answer, and what nobody waits for may stand back: a live session is open here, or a request came lately.
 * Who has asked so lately is likely to ask again.
 */

export interface Callers {
  /** A request has come. */
  noteRequest(): void;
  /** How many live sessions are open now. */
  noteSessions(count: number): void;
  wait(): boolean;
}

const ASKED_MS = 10_000;

/** @param now milliseconds that never jump */
export function noteCallers(now: () => number = () => performance.now()): Callers {
  let askedAt = Number.NEGATIVE_INFINITY;
  let sessions = 0;
  return {
    noteRequest() {
      askedAt = now();
    },
    noteSessions(count) {
      sessions = count;
    },
    wait: () => sessions > 0 || now() - askedAt < ASKED_MS,
  };
}
