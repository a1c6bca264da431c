/**
 * When audio that nobody says to have heard is to be sent again. Pure.
 *
 * That it was heard is told while audio comes, not behind its last frame: of a caller who pauses, some of it stays untold. So the same is
 * sent again twice and no more, for whatever is sent keeps a session from idling out.
 */

const WAIT_MS = { first: 3_000, longest: 15_000 };
const MOST_TRIES = 2;

export interface StallWatch {
  /** Samples that were sent and heard, and for how long no more of it was heard and nothing sent again. True: now, and it counts as done. */
  isDue(state: { sent: number; heard: number; silentMs: number; sinceAgainMs: number }): boolean;
  /** More was heard than before. */
  progressed(): void;
}

export function createStallWatch(): StallWatch {
  let waitMs = WAIT_MS.first;
  let sentThen = -1;
  let tries = 0;
  return {
    isDue({ sent, heard, silentMs, sinceAgainMs }) {
      if (sent <= heard || silentMs <= waitMs || sinceAgainMs <= waitMs) return false;
      if (sent !== sentThen) tries = 0;
      if (tries === MOST_TRIES) return false;
      sentThen = sent;
      tries += 1;
      waitMs = Math.min(waitMs * 2, WAIT_MS.longest);
      return true;
    },
    progressed() {
      waitMs = WAIT_MS.first;
    },
  };
}
