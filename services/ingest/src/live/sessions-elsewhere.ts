/** What is known of sessions that this instance does not hold, of the newest ten thousand: so that each frame of theirs costs nothing. */
import type { Bus } from "@parlance/bus";
import type { SpeechError } from "@parlance/contracts";
import { createLiveNews } from "./live-news.ts";

export type Elsewhere =
  | { kind: "opening" }
  | { kind: "held"; holder: string }
  /** It is over, or never began. `final`: no frame opens it any more; else one that says what it wants may. */
  | { kind: "refused"; error: SpeechError; final: boolean; utterances?: number };

export interface SessionsElsewhere {
  get(sessionId: string): Elsewhere | undefined;
  has(sessionId: string): boolean;
  note(sessionId: string, what: Elsewhere): void;
  forget(sessionId: string): void;
  /** Notes that it is refused, and tells so. */
  refuse(sessionId: string, error: SpeechError, more?: { utterances?: number; final?: boolean }): void;
  /** To who goes on sending, once a second. */
  tellAgain(sessionId: string): void;
}

const MOST = 10_000;
const TELL_AGAIN_MS = 1_000;

export function rememberSessions(bus: Pick<Bus, "publish">, now: () => number): SessionsElsewhere {
  const known = new Map<string, Elsewhere & { toldAt: number }>();

  function note(sessionId: string, what: Elsewhere): void {
    known.delete(sessionId);
    known.set(sessionId, { ...what, toldAt: now() });
    const [oldest] = known.keys();
    if (known.size > MOST && oldest !== undefined) known.delete(oldest);
  }

  function refuse(sessionId: string, error: SpeechError, { utterances = 0, final = false } = {}): void {
    note(sessionId, { kind: "refused", error, final, utterances });
    const news = createLiveNews(bus, sessionId, now);
    news.state({ type: "closed", seconds: 0, utterances, error: error.toFailure() });
  }

  return {
    get: (sessionId) => known.get(sessionId),
    has: (sessionId) => known.has(sessionId),
    note,
    forget: (sessionId) => known.delete(sessionId),
    refuse,
    tellAgain(sessionId) {
      const what = known.get(sessionId);
      if (what?.kind === "refused" && what.toldAt + TELL_AGAIN_MS <= now()) refuse(sessionId, what.error, what);
    },
  };
}
