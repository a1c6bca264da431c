/** What is told of a session while it goes on. Some of it no more often than once a second: it may be asked for with every frame. */
import type { Bus } from "@parlance/bus";
import { type Failure, type LivePartial, type LiveState, subjects } from "@parlance/contracts";

type Told<State> = State extends unknown ? Omit<State, "sessionId" | "at"> : never;
/** Without what is the same for all of a session. */
export type News = Told<LiveState>;
export type PartialNews = Told<LivePartial>;

export interface LiveNews {
  state(news: News): void;
  partial(news: PartialNews): void;
  /** That a frame was not taken; the same one again only after a second. */
  refused(error: Failure): void;
}

const AGAIN_MS = 1_000;

export function createLiveNews(bus: Pick<Bus, "publish">, sessionId: string, now: () => number): LiveNews {
  const refusedAt = new Map<string, number>();
  const state = (news: News) => {
    bus.publish(subjects.liveState(sessionId), JSON.stringify({ sessionId, at: now(), ...news }));
  };
  return {
    state,
    partial(news) {
      bus.publish(subjects.livePartial(sessionId), JSON.stringify({ sessionId, at: now(), ...news }));
    },
    refused(error) {
      const before = refusedAt.get(error.code);
      if (before !== undefined && before + AGAIN_MS > now()) return;
      refusedAt.set(error.code, now());
      state({ type: "refused", error });
    },
  };
}
