/**
 * What live work leaves of the time. It overtakes all other work, and sessions without end would leave nothing: so while they run
 * before others that wait, those are owed a share of the time (LIVE_BATCH_SHARE), by the worker's clock. When enough is owed to be
 * worth an interruption live work has a breather: none is handed over until the others have had what they are owed.
 *
 * They pay with the time that they run, wherever it comes from: gaps in the live work count, and who leaves gaps enough is never held
 * back. But only what runs while live work waits is set off against what comes.
 */
import { isLive } from "../lanes/work-lane.ts";
import { changeTurns, type Draft, jobsOf, tenureOf } from "./draft.ts";
import type { LiveShare, Tenure, TenureJob, TenureSettings, TenureState } from "./tenure-state.ts";

export const nothingOwed: LiveShare = { owedMs: 0, breather: false };

/** A breather is about so long, or as long as the engine takes to come to a yield point. */
const BREATHER_MS = 100;
const MOST_MS = 10_000;

/** What the time since the last event went to, by how things stood before it. */
export function measureShare(draft: Draft, before: TenureState, { batchShare }: TenureSettings): void {
  const { share } = before.turns;
  const tenure = tenureOf(before);
  if (tenure === undefined) return;
  // Who is not there is owed nothing: live work must not wait for nobody.
  const isOwed = hasOthers(draft.state);
  const owedMs = isOwed ? owedAfter(share.owedMs, before, tenure, draft.now - before.heardAt, batchShare) : 0;
  const breather = share.breather ? owedMs > 0 : owedMs >= BREATHER_MS;
  if (owedMs !== share.owedMs || breather !== share.breather) changeTurns(draft, { share: { owedMs, breather } });
}

/** What waits for another model than the loaded one has its turn instead (turns.ts). */
function hasOthers(state: TenureState): boolean {
  const isOther = ({ lane, model }: TenureJob) => !isLive(lane) && model === state.model;
  return jobsOf(state).some(isOther) || (tenureOf(state)?.again.length ?? 0) > 0;
}

/** When a breather is over, if the others run on; undefined while none of them runs. */
export function breatherEnd(state: TenureState): number | undefined {
  const tenure = tenureOf(state);
  const { breather, owedMs } = state.turns.share;
  return breather && tenure !== undefined && runs(tenure) === "others" ? state.heardAt + owedMs : undefined;
}

function owedAfter(owedMs: number, state: TenureState, tenure: Tenure, ms: number, share: number): number {
  if (!hasOthers(state)) return 0;
  switch (runs(tenure)) {
    case "live":
      return Math.min(MOST_MS, owedMs + (ms * share) / (1 - share));
    case "others":
      return Math.max(liveWaits(state, tenure) ? -MOST_MS : Math.min(owedMs, 0), owedMs - ms);
    default:
      return owedMs;
  }
}

/** The innermost of what has begun: the others stand still meanwhile. */
function runs(tenure: Tenure): "live" | "others" | undefined {
  if (tenure.runs.length === 0) return undefined;
  return tenure.runs.some(({ lane }) => isLive(lane)) ? "live" : "others";
}

function liveWaits({ waiting }: TenureState, { passes }: Tenure): boolean {
  return waiting.some(({ lane }) => isLive(lane)) || passes.some(({ lane }) => isLive(lane));
}
