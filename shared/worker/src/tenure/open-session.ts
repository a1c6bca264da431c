/** Whether live sessions are open here: known by their work, which comes several times a second while somebody speaks. */
import { SESSION_MS } from "@parlance/gpu-lease";
import { change, type Draft } from "./draft.ts";
import type { TenureJob, TenureState } from "./tenure-state.ts";

/** Live work of a session came: its next window is reckoned with. */
export function noteLive(draft: Draft, { publishedAt }: TenureJob): void {
  const { state, now } = draft;
  change(draft, { liveAt: now, liveSince: quietMs(state, now) < SESSION_MS ? state.liveSince : publishedAt });
}

/** How long no live work of a session was here. */
export function quietMs({ liveAt }: TenureState, now: number): number {
  return liveAt === undefined ? Number.POSITIVE_INFINITY : now - liveAt;
}
