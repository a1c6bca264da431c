/**
 * Whose turn is next: another family's, which waits for the lease, or that of another of the worker's own models. The rules are the same
 * for both (the lease's policy), so that loads take no more of the time because there are several models. What waits here for
 * a model counts as soon as its files are ready.
 *
 * Between the models of a worker the lease is kept: another family's turn is due by how long all of them together had it.
 */
import { lanes } from "@parlance/contracts";
import { creditAfterStay, shouldYield, type YieldQuestion, type YieldReason, yieldTimes } from "@parlance/gpu-lease";
import { isLive, isMoreUrgent, toldLane, type WorkLane } from "../lanes/work-lane.ts";
import { jobsOf, tenureOf } from "./draft.ts";
import { quietMs } from "./open-session.ts";
import type { Tenure, TenureJob, TenureSettings, TenureState } from "./tenure-state.ts";

export interface Turn {
  reason: YieldReason;
  /** The model whose turn it is; undefined: another family's. */
  next: number | undefined;
}

/** Whose turn has come; undefined: the loaded model goes on. */
export function turnOver(state: TenureState, tenure: Tenure, settings: TenureSettings, now: number): Turn | undefined {
  const family = shouldYield(familyQuestion(state, tenure, settings, now));
  if (family !== undefined) return { reason: family, next: undefined };
  const model = waitingModel(state);
  const reason = model && shouldYield(modelQuestion(state, tenure, settings, now, model));
  return reason && { reason, next: model.model };
}

/** What the next pass is composed by: the more urgent one of both questions. */
export function turnQuestion(state: TenureState, tenure: Tenure, settings: TenureSettings, now: number): YieldQuestion {
  const family = familyQuestion(state, tenure, settings, now);
  const model = waitingModel(state);
  if (model === undefined || !isMoreUrgent(model.lane, family.waiter?.lane)) return family;
  return modelQuestion(state, tenure, settings, now, model);
}

/** When another family's turn may come though nothing happens. */
export function yieldsNext(state: TenureState, settings: TenureSettings): number | undefined {
  const tenure = tenureOf(state);
  if (tenure?.began === undefined || state.waiters.length === 0 || jobsHere(state).length > 0) return undefined;
  const { heardAt } = state;
  const times = yieldTimes(familyQuestion(state, tenure, settings, heardAt)).map((ms) => heardAt + ms);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** A model that is not loaded, for which work waits. */
export interface WaitingModel {
  model: number;
  /** Of its most urgent work. */
  lane: WorkLane;
  /** On the clock of the events: when the oldest of that came. */
  since: number;
}

/** Whose turn is next among the models that could be loaded at once: the most urgent work's, then the oldest's. */
export function waitingModel(state: TenureState): WaitingModel | undefined {
  const { waiting, prepared, wished, heardAt } = state;
  const isMeant = (model: number) =>
    (tenureOf(state) === undefined || model !== state.model) && prepared.some((each) => each.model === model);
  const waits = waiting.filter(({ model }) => isMeant(model));
  const asked: WaitingModel[] = waits.map(({ model, lane, arrivedAt }) => ({ model, lane, since: arrivedAt }));
  if (wished !== undefined && isMeant(wished.model)) {
    asked.push({ model: wished.model, lane: "interactive", since: heardAt });
  }
  return asked.reduce<WaitingModel | undefined>(
    (first, each) => (first === undefined || isMoreUrgent(each.lane, first.lane) ? each : first),
    undefined,
  );
}

/** Everything here that has not run counts, if it could run. */
function familyQuestion(state: TenureState, tenure: Tenure, settings: TenureSettings, now: number): YieldQuestion {
  const waiter = state.waiters.reduce<(typeof state.waiters)[number] | undefined>(
    (first, each) => (isMoreUrgent(each.lane, first?.lane) ? each : first),
    undefined,
  );
  const jobs = jobsHere(state);
  return {
    ...questionOf(jobs, state, tenure, settings, now),
    quietMs: settings.hasSessions && jobs.some((job) => isLive(job.lane)) ? 0 : quietMs(state, now),
    waiter: waiter && { lane: waiter.lane, waitingMs: now - waiter.since },
    heldMs: now - (tenure.firstBegan ?? now),
  };
}

function modelQuestion(
  state: TenureState,
  tenure: Tenure,
  settings: TenureSettings,
  now: number,
  { lane, since }: WaitingModel,
): YieldQuestion {
  const jobs = jobsOf(state).filter(({ model }) => model === state.model);
  return {
    ...questionOf(jobs, state, tenure, settings, now),
    waiter: { lane: toldLane(lane), waitingMs: now - since },
    heldMs: now - (tenure.began ?? now),
  };
}

function questionOf(
  jobs: readonly TenureJob[],
  { turns }: TenureState,
  tenure: Tenure,
  settings: TenureSettings,
  now: number,
): Omit<YieldQuestion, "waiter" | "heldMs"> {
  return {
    ...settings,
    ownLanes: lanes.filter((lane) => jobs.some((job) => toldLane(job.lane) === lane)),
    passes: tenure.passesRun,
    swapMs: turns.loadMs,
    creditMs: creditAfterStay(turns.credit, now - (tenure.began ?? now)).ms,
  };
}

/** Of the loaded model, and of those that could be. */
function jobsHere(state: TenureState): TenureJob[] {
  const { model: loaded, prepared } = state;
  return jobsOf(state).filter(({ model }) => model === loaded || prepared.some((each) => each.model === model));
}
