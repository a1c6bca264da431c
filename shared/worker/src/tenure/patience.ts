/**
 * How large a pass may be that somebody may come to wait for: while a live session is open, and as long as requests come now and then, its
 * engine is to be free for them within a quarter of a second. Where it gives way between its rows as often, passes stay full.
 */
import { SESSION_MS } from "@parlance/gpu-lease";
import type { WorkLane } from "../lanes/work-lane.ts";
import { change, type Draft } from "./draft.ts";
import { quietMs } from "./open-session.ts";
import type { Pass, TenureState } from "./tenure-state.ts";
import { learnGap, noGaps, rowsWithin } from "./yield-gaps.ts";

/** As far apart as a pass's yield points may be (the contract of engines on a CPU). */
const YIELD_MS = 250;

/** Who has asked so lately is likely to ask again. */
const REQUESTS_MS = 10_000;

export function noteRequest(draft: Draft): void {
  change(draft, { askedAt: draft.now });
}

/** Of a pass that has ended: what its engine told of it. What joined others ran among theirs, and windows are searched less than all else. */
export function noteGap(draft: Draft, { size, bytes, lane, joins }: Pass, ms: number): void {
  if (joins || lane === "window") return;
  const { gaps, model } = draft.state;
  const known = gaps[model] ?? noGaps;
  const learnt = learnGap(known, { rows: size, bytes }, ms);
  if (learnt !== known) change(draft, { gaps: { ...gaps, [model]: learnt } });
}

/** Another model may be chosen in its place. */
export function forgetGaps(draft: Draft, model: number): void {
  const { [model]: _, ...gaps } = draft.state.gaps;
  change(draft, { gaps });
}

/** Most rows of a pass of the loaded model that such work leads, and whose longest row has so many bytes. */
export function patientSize(state: TenureState, lead: WorkLane, bytes: number, now: number): number {
  const { maxBatchSize, model, askedAt } = state;
  const isOpenSession = quietMs(state, now) < SESSION_MS;
  const areAsking = lead === "batch" && askedAt !== undefined && now - askedAt < REQUESTS_MS;
  if (!isOpenSession && !areAsking) return maxBatchSize;
  return rowsWithin(state.gaps[model] ?? noGaps, { rows: maxBatchSize, bytes }, YIELD_MS);
}
