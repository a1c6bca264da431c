/**
 * What the engine is given next, decided whenever anything changed.
 *
 * The engine has what runs and, of each lane, at most one pass behind it, so that it never waits for its input; what is not
 * full stays here until its lane's run is over, because it may still fill. More urgent work is handed over at once and runs
 * inside what runs. Where waiting rows may join a run, those of its lane are handed over as they come.
 *
 * Live work (live-share.ts) goes before all other, and when others have their share it is held here. While a session is open or requests come,
 * passes of less urgent work are no larger than those can wait for (patience.ts).
 *
 * A turn is over by handing nothing more: what has not begun is called back, what runs ends, and the rest is the other's. Of the jobs
 * that wait only those of the loaded model are handed over.
 */
import { requestsAlone } from "@parlance/gpu-lease";
import type { Room } from "@parlance/inference/engine";
import { isLive, isMoreUrgent, rank, type WorkLane, workLanes } from "../lanes/work-lane.ts";
import { composePass, MOST_PASSED_OVER, type Occupancy } from "./compose-pass.ts";
import {
  change,
  changePass,
  changeTenure,
  changeTurns,
  type Draft,
  jobsOf,
  nextCount,
  rowsOf,
  tenureOf,
} from "./draft.ts";
import { joinRun } from "./join-run.ts";
import { patientSize } from "./patience.ts";
import type { Pass, Run, Tenure, TenureEnd, TenureJob, TenureSettings, TenureState } from "./tenure-state.ts";
import { turnOver, turnQuestion } from "./turns.ts";

export interface Over {
  reason: TenureEnd;
  /** See Turn. */
  next?: number | undefined;
}

/** Answers why the engine is to end now. */
export function handOver(draft: Draft, settings: TenureSettings): Over | undefined {
  const tenure = tenureOf(draft.state);
  if (tenure === undefined || tenure.hung || tenure.dead) return undefined;
  changeTenure(draft, { waitUntil: undefined });
  const over: Over | undefined =
    tenure.leaving === undefined ? turnOver(draft.state, tenure, settings, draft.now) : { reason: tenure.leaving };
  if (over !== undefined) {
    const isTold = tenure.leaveBy !== undefined && draft.now >= tenure.leaveBy;
    callBack(draft);
    return isTold || !rowsOf(tenure).some(({ run, stopped }) => run !== undefined && stopped === undefined)
      ? over
      : undefined;
  }
  singleOut(draft);
  while (handNext(draft, settings));
  return idleTooLong(draft, settings) ? { reason: "idle-timeout" } : undefined;
}

/** What has not begun is wanted here again. */
function callBack(draft: Draft): void {
  for (const pass of tenureOf(draft.state)?.passes ?? []) {
    const isMeant = ({ run, stopped }: Pass["rows"][number]) => run === undefined && stopped === undefined;
    const rows = pass.rows.filter(isMeant).map(({ row }) => row);
    if (rows.length === 0) continue;
    draft.effects.push({ do: "stop", pass: pass.id, rows });
    changePass(draft, {
      ...pass,
      rows: pass.rows.map((row) => (isMeant(row) ? { ...row, stopped: "recalled" } : row)),
    });
  }
}

/** Suspects that wait among the others must not take those along: from here on each runs alone. */
function singleOut(draft: Draft): void {
  const suspects = ownWaiting(draft.state).filter(({ suspicion }) => suspicion > 0);
  if (suspects.length === 0) return;
  takeWaiting(draft, suspects);
  changeTenure(draft, { again: [...(tenureOf(draft.state)?.again ?? []), ...suspects.map((job) => [job])] });
}

/** True when there may be more to hand over. */
function handNext(draft: Draft, settings: TenureSettings): boolean {
  const { state, now } = draft;
  const tenure = tenureOf(state);
  if (tenure === undefined) return false;
  const { turns, maxBatchSize } = state;
  const [group, ...rest] = tenure.again;
  const { breather } = turns.share;
  const own = ownWaiting(state);
  const yieldsToLive = !breather && own.some(({ lane }) => isLive(lane));
  if (group !== undefined && tenure.passes.length === 0 && !yieldsToLive) {
    changeTenure(draft, { again: rest });
    changeTurns(draft, { passedOver: 0 });
    hand(draft, group, undefined, false);
    return true;
  }
  // Those that run again wait for an engine that has nothing else: nothing but live work goes before them.
  const waiting = own.filter(({ lane }) => (isLive(lane) ? !breather : group === undefined));
  const room = tenure.refills ? roomOf(tenure, maxBatchSize) : undefined;
  const joined = group === undefined && joinNext(draft, tenure, maxBatchSize);
  if (joined) return true;
  const composed = composePass({
    maxSize: maxBatchSize,
    patientSize: (lead, bytes) => patientSize(state, lead, bytes, now),
    waitMs: settings.batchWaitMs,
    waiting: waiting.filter(({ lane }) => joinable(tenure, lane) === undefined),
    now,
    budgetBytes: tenure.budgetBytes,
    // Batch work that runs is passed over by no pass that runs inside it: it goes on in between.
    passedOver: tenure.runs.some(({ lane }) => lane === "batch") ? 0 : turns.passedOver,
    requestsAlone: requestsAlone(turnQuestion(state, tenure, settings, now), turns.passMs, turns.passedOver),
    rowsAreCheap: tenure.rowsAreCheap,
    engine: occupancy(tenure),
  });
  if (composed === undefined) return false;
  if ("waitUntil" in composed) {
    changeTenure(draft, { waitUntil: composed.waitUntil });
    return false;
  }
  const lane = mostUrgent(composed.run);
  if (isHeldBack(draft, tenure, lane)) return false;
  takeWaiting(draft, composed.run);
  countPassedOver(draft, tenure, lane, composed.run);
  hand(draft, composed.run, room, false);
  return true;
}

/** Rows of a run's lane, into places that become free in it. */
function joinNext(draft: Draft, tenure: Tenure, maxBatchSize: number): boolean {
  const { state } = draft;
  for (const run of tenure.runs) {
    if (run.room === undefined) continue;
    const { lane } = run;
    const { passedOver, share } = state.turns;
    // Its turn is over: it drains.
    if (isLive(lane) ? share.breather : passedOver >= MOST_PASSED_OVER && leavesOthers(state, tenure, lane)) continue;
    const prepared = rowsOfLane(tenure, lane).filter((row) => row.run === undefined).length;
    const rows = joinRun({
      waiting: ownWaiting(state).filter((job) => job.lane === lane),
      width: run.width,
      maxSize: maxBatchSize,
      prepared,
      budgetBytes: tenure.budgetBytes,
    });
    if (rows.length === 0) continue;
    takeWaiting(draft, rows);
    if (!isLive(lane) && leavesOthers(state, tenure, lane)) {
      changeTurns(draft, { passedOver: passedOver + rows.length / maxBatchSize });
    }
    hand(draft, rows, roomOf(tenure, maxBatchSize), true);
    return true;
  }
  return false;
}

/** Whether less urgent work goes on waiting, here or in the engine, while rows of the lane run. */
function leavesOthers(state: TenureState, { runs }: Tenure, lane: WorkLane): boolean {
  return (
    ownWaiting(state).some((job) => isMoreUrgent(lane, job.lane)) || runs.some((run) => isMoreUrgent(lane, run.lane))
  );
}

function countPassedOver(draft: Draft, { runs, again }: Tenure, lane: WorkLane, jobs: readonly TenureJob[]): void {
  if (isLive(lane)) return;
  const { turns } = draft.state;
  const waiting = ownWaiting(draft.state);
  const interrupted = runs.some((run) => isMoreUrgent(lane, run.lane));
  // What is interrupted has gone on since, unless something as urgent ran until now.
  const leaves = interrupted
    ? runs.some((run) => !isMoreUrgent(lane, run.lane))
    : waiting.some((job) => job.lane === "batch") && !jobs.some((job) => job.lane === "batch");
  changeTurns(draft, { passedOver: leaves || again.length > 0 ? turns.passedOver + 1 : 0 });
}

/** Requests that came without a gap for too long waits a moment, so that what it interrupted goes on. */
function isHeldBack(draft: Draft, tenure: Tenure, lane: WorkLane): boolean {
  if (isLive(lane)) return false;
  const { turns } = draft.state;
  const interrupted = tenure.runs.some((run) => isMoreUrgent(lane, run.lane));
  if (!interrupted || turns.passedOver < MOST_PASSED_OVER) return false;
  if (tenure.runs.some((run) => !isMoreUrgent(lane, run.lane))) return true;
  const until = tenure.breatherUntil ?? draft.now + turns.insideMs;
  if (draft.now < until) {
    changeTenure(draft, { breatherUntil: until });
    return true;
  }
  changeTenure(draft, { breatherUntil: undefined });
  changeTurns(draft, { passedOver: 0 });
  return false;
}

function hand(draft: Draft, jobs: readonly TenureJob[], room: Room | undefined, joins: boolean): void {
  const id = nextCount(draft);
  const lane = mostUrgent(jobs);
  const rows = jobs.map((job, row) => ({ job, row, run: undefined, stopped: undefined }));
  const bytes = Math.max(...jobs.map((job) => job.bytes));
  const pass: Pass = { id, lane, rows, size: jobs.length, bytes, room, joins, startedAt: undefined };
  changeTenure(draft, { passes: [...(tenureOf(draft.state)?.passes ?? []), pass] });
  draft.effects.push({ do: "hand", pass: id, lane, jobs, room });
}

/** What waits for the loaded model. */
function ownWaiting({ waiting, model }: TenureState): TenureJob[] {
  return waiting.filter((job) => job.model === model);
}

function takeWaiting(draft: Draft, jobs: readonly TenureJob[]): void {
  change(draft, { waiting: draft.state.waiting.filter((job) => !jobs.includes(job)) });
}

function idleTooLong(draft: Draft, { idleMs }: TenureSettings): boolean {
  const tenure = tenureOf(draft.state);
  if (tenure === undefined) return false;
  const isIdle = jobsOf(draft.state).length === 0;
  const idleSince = isIdle ? (tenure.idleSince ?? draft.now) : undefined;
  changeTenure(draft, { idleSince });
  return idleSince !== undefined && idleMs > 0 && draft.now >= idleSince + idleMs;
}

/** The run of the lane that waiting rows may join. */
function joinable({ runs }: Tenure, lane: WorkLane): Run | undefined {
  return runs.find((run) => run.lane === lane && run.room !== undefined);
}

function occupancy(tenure: Tenure): Occupancy {
  const prepared = tenure.passes.filter(({ rows }) => rows.every(({ run }) => run === undefined));
  const first = (some: readonly { lane: WorkLane }[]) =>
    workLanes.find((lane) => some.some((each) => each.lane === lane));
  return { running: first(tenure.runs), prepared: first(prepared) };
}

function rowsOfLane(tenure: Tenure, lane: WorkLane) {
  return tenure.passes.filter((pass) => pass.lane === lane).flatMap(({ rows }) => rows);
}

function roomOf({ budgetBytes }: Tenure, rows: number): Room {
  return { rows, bytes: Math.min(budgetBytes, Number.MAX_SAFE_INTEGER) };
}

function mostUrgent(jobs: readonly TenureJob[]): WorkLane {
  return jobs
    .map(({ lane }) => lane)
    .reduce<WorkLane>((first, lane) => (rank(lane) < rank(first) ? lane : first), "batch");
}
