/** What another family's turn is judged by, and when it may come. */
import { lanes } from "@parlance/contracts";
import { creditAfterStay, type YieldQuestion, yieldTimes } from "@parlance/gpu-lease";
import { isLive, isMoreUrgent, toldLane } from "../lanes/work-lane.ts";
import { jobsOf, tenureOf } from "./draft.ts";
import { quietMs } from "./open-session.ts";
import type { Tenure, TenureSettings, TenureState } from "./tenure-state.ts";

/** Everything here that has not run counts. */
export function turnQuestion(state: TenureState, tenure: Tenure, settings: TenureSettings, now: number): YieldQuestion {
  const jobs = jobsOf(state);
  const { waiters, turns } = state;
  const waiter = waiters.reduce<(typeof waiters)[number] | undefined>(
    (first, each) => (isMoreUrgent(each.lane, first?.lane) ? each : first),
    undefined,
  );
  const heldMs = now - (tenure.began ?? now);
  return {
    ...settings,
    ownLanes: lanes.filter((lane) => jobs.some((job) => toldLane(job.lane) === lane)),
    quietMs: settings.hasSessions && jobs.some((job) => isLive(job.lane)) ? 0 : quietMs(state, now),
    waiter: waiter && { lane: waiter.lane, waitingMs: now - waiter.since },
    heldMs,
    passes: tenure.passesRun,
    swapMs: turns.loadMs,
    creditMs: creditAfterStay(turns.credit, heldMs).ms,
  };
}

/** When another family's turn may come though nothing happens. */
export function yieldsNext(state: TenureState, settings: TenureSettings): number | undefined {
  const tenure = tenureOf(state);
  if (tenure?.began === undefined || state.waiters.length === 0 || jobsOf(state).length > 0) return undefined;
  const { heardAt } = state;
  const times = yieldTimes(turnQuestion(state, tenure, settings, heardAt)).map((ms) => heardAt + ms);
  return times.length === 0 ? undefined : Math.min(...times);
}
