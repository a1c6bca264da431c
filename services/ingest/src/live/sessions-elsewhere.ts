/** What is known of sessions that this instance does not hold, of the newest ten thousand: so that each frame of theirs costs nothing. */
import type { Bus } from "@parlance/bus";
import type { SpeechError } from "@parlance/contracts";
import { type FramePosition, isUpTo } from "./frame-inbox.ts";
import { createLiveNews } from "./live-news.ts";

export type Elsewhere = { kind: "opening" } | { kind: "held"; holder: string } | ({ kind: "refused" } & Refusal);

/** It is over, or never began. */
export interface Refusal {
  error: SpeechError;
  /** No frame opens it any more; else one that says what it wants may. */
  final: boolean;
  utterances?: number;
  /** The newest frame that was heard before its end. */
  heardTo?: FramePosition;
}

export interface SessionsElsewhere {
  get(sessionId: string): Elsewhere | undefined;
  has(sessionId: string): boolean;
  note(sessionId: string, what: Elsewhere): void;
  forget(sessionId: string): void;
  /** Notes that it is refused, and tells so. */
  refuse(sessionId: string, error: SpeechError, more?: Partial<Refusal>): void;
  /** To who goes on sending, once a second. A frame from before the end may be heard of after it, and is no going on. */
  tellAgain(sessionId: string, frame: FramePosition): void;
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

  function refuse(sessionId: string, error: SpeechError, more: Partial<Refusal> = {}): void {
    const { utterances = 0 } = more;
    note(sessionId, { kind: "refused", final: false, ...more, error });
    const news = createLiveNews(bus, sessionId, now);
    news.state({ type: "closed", seconds: 0, utterances, error: error.toFailure() });
  }

  return {
    get: (sessionId) => known.get(sessionId),
    has: (sessionId) => known.has(sessionId),
    note,
    forget: (sessionId) => known.delete(sessionId),
    refuse,
    tellAgain(sessionId, frame) {
      const what = known.get(sessionId);
      if (what?.kind !== "refused" || what.toldAt + TELL_AGAIN_MS > now()) return;
      if (what.heardTo === undefined || !isUpTo(frame, what.heardTo)) refuse(sessionId, what.error, what);
    },
  };
}
