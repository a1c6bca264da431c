/**
 * What the engine tells of its rows, and what comes of it: results, jobs that nobody wants any more, jobs that wait again,
 * and those whose pass came to nothing, which are judged (blame.ts) and run again in groups that stay as they are.
 */
import { afterDeath, afterFailure, budgetAfter, type DeathCause, type Verdict } from "../blame/blame.ts";
import { isLive } from "../lanes/work-lane.ts";
import { change, changePass, changeTenure, changeTurns, type Draft, putBack, rowsOf, tenureOf } from "./draft.ts";
import { noteGap } from "./patience.ts";
import type { Pass, Row, Tenure, TenureEvent, TenureJob } from "./tenure-state.ts";

type Told<Type extends TenureEvent["type"]> = Extract<TenureEvent, { type: Type }>;

const FADE = 0.8;

export function started(draft: Draft, { pass: id, rows, run: number, at }: Told<"started">): void {
  const pass = passOf(draft, id);
  if (pass === undefined) return;
  const begun = pass.rows.filter(({ row }) => rows.includes(row));
  const before = tenureOf(draft.state)?.runs.find((run) => run.number === number);
  changePass(draft, {
    ...pass,
    startedAt: pass.startedAt ?? at,
    // The run that it was to join was over by then.
    joins: pass.joins && before !== undefined,
    rows: pass.rows.map((row) => (begun.includes(row) ? { ...row, run: number } : row)),
  });
  const tenure = tenureOf(draft.state);
  if (tenure === undefined || begun.length === 0) return;
  const { lane, room } = pass;
  const width = Math.max(before?.width ?? 0, rowsOf(tenure).filter(({ run }) => run === number).length);
  const others = tenure.runs.filter((run) => run.number !== number);
  changeTenure(draft, { runs: [...others, { lane, room, ...before, number, width }], movedAt: draft.now });
  draft.effects.push({ do: "note-begun", jobs: begun.map(({ job }) => job), at });
}

export function ended(draft: Draft, { pass: id, row: number, end }: Told<"ended">): void {
  const pass = passOf(draft, id);
  const [row] = take(draft, pass, [number]);
  if (pass === undefined || row === undefined) return;
  const { job, stopped, run } = row;
  if (stopped !== undefined && !end.outcome.ok && end.outcome.failure.code === "cancelled") letGo(draft, [row]);
  else {
    draft.later.push({ do: "note-over", jobs: [job], stopped: false }, { do: "settle", job, end });
    if (job.lane !== "window") draft.later.push({ do: "note-settled" });
    if (isLive(job.lane)) change(draft, { liveAt: draft.now });
    // It has its turn: nobody was passed over for its sake.
    if (job.lane === "batch") {
      changeTurns(draft, { passedOver: 0 });
      changeTenure(draft, { breatherUntil: undefined });
    }
  }
  if (run === undefined || pass.rows.length > 1) return;
  noteGap(draft, pass, end.gapMs);
  passed(draft, pass, end.finishedAt - (pass.startedAt ?? end.startedAt));
}

function passed(draft: Draft, { lane, size, joins }: Pass, ms: number): void {
  const { turns } = draft.state;
  const tenure = tenureOf(draft.state);
  changeTurns(draft, { passMs: Math.max(FADE * turns.passMs, ms) });
  if (tenure === undefined) return;
  if (tenure.runs.length > 0 && !isLive(lane)) changeTurns(draft, { insideMs: ms });
  changeTenure(draft, { passesRun: tenure.passesRun + 1 });
  if (!joins) draft.effects.push({ do: "note-pass", lane, size, ms });
}

/** All that ran together came to nothing, of whichever pass: it is told of each of them, and judged once. */
export function failed(draft: Draft, { pass: id, rows, failure }: Told<"failed">): void {
  const named = passOf(draft, id)?.rows.filter(({ row }) => rows.includes(row)) ?? [];
  const runs = new Set(named.flatMap(({ run }) => run ?? []));
  const together = passesOf(draft).flatMap((pass) => {
    const isMeant = (row: Row) => (row.run === undefined ? named.includes(row) : runs.has(row.run));
    const meant = pass.rows.filter(isMeant).map(({ row }) => row);
    return take(draft, pass, meant);
  });
  if (together.length === 0) return;
  draft.later.push({ do: "note-over", jobs: together.map(({ job }) => job), stopped: false });
  const unwanted = together.filter(({ stopped }) => stopped === "unwanted");
  letGo(draft, unwanted);
  const jobs = together
    .filter((row) => !unwanted.includes(row))
    .map(({ job }) => job)
    .sort((a, b) => a.bytes - b.bytes);
  if (jobs.length === 0) return;
  draft.effects.push({ do: "note-failed", failure, size: together.length });
  const tenure = tenureOf(draft.state);
  if (tenure !== undefined && failure.code === "engine_out_of_memory" && jobs.length > 1) {
    changeTenure(draft, { budgetBytes: Math.min(tenure.budgetBytes, budgetAfter(jobs)) });
  }
  const [only] = jobs;
  // One that ran with others is not convicted with them.
  const isAgain = jobs.length === 1 && together.length > 1 && only?.lane !== "window";
  judge(draft, isAgain ? { again: [jobs], failed: [] } : afterFailure(jobs, failure));
}

export function died(draft: Draft, { pass: id, rows, running, exit }: Told<"died">): void {
  const tenure = tenureOf(draft.state);
  const lost = take(draft, passOf(draft, id), rows);
  changeTenure(draft, { dead: true });
  if (tenure === undefined || lost.length === 0) return;
  const { phase } = draft.state;
  if (phase.name === "ending" && phase.reason === "stopped") {
    draft.later.push({ do: "note-over", jobs: lost.map(({ job }) => job), stopped: true });
  }
  const killedHere = exit.killed && !tenure.hung;
  const isSuspect = ({ row, stopped }: Row) =>
    !killedHere && !exit.deadline && running.includes(row) && stopped !== "unwanted";
  letGo(
    draft,
    lost.filter((row) => !isSuspect(row)),
  );
  const suspects = lost.filter(isSuspect).map(({ job }) => job);
  if (suspects.length === 0) return;
  const cause: DeathCause = tenure.hung ? "hung" : exit.signal === "SIGKILL" ? "killed" : "crash";
  draft.effects.push({ do: "note-death", cause, size: suspects.length });
  judge(draft, afterDeath(suspects, cause));
}

function judge(draft: Draft, { again, failed: convicted }: Verdict<TenureJob>): void {
  changeTenure(draft, { again: [...(tenureOf(draft.state)?.again ?? []), ...again] });
  for (const { job, failure, deadLetter } of convicted) draft.later.push({ do: "convict", job, failure, deadLetter });
}

/** They have not run to an end: they wait again, or nobody waits for them. */
function letGo(draft: Draft, rows: readonly Row[]): void {
  for (const { job, stopped, run } of rows) {
    if (stopped === "unwanted") draft.later.push({ do: "unwanted", job });
    else putBack(draft, [job]);
    if (stopped === undefined || run === undefined) continue;
    draft.later.push({ do: "note-over", jobs: [job], stopped: stopped === "recalled" });
  }
}

/** Out of a pass. What has ended is forgotten: nothing is told of it twice. */
function take(draft: Draft, pass: Pass | undefined, numbers: readonly number[]): Row[] {
  if (pass === undefined) return [];
  const taken = pass.rows.filter(({ row }) => numbers.includes(row));
  if (taken.length === 0) return [];
  changePass(draft, { ...pass, rows: pass.rows.filter((row) => !taken.includes(row)) });
  changeTenure(draft, { movedAt: draft.now });
  return taken;
}

function passesOf(draft: Draft): readonly Pass[] {
  const tenure: Tenure | undefined = tenureOf(draft.state);
  return tenure?.passes ?? [];
}

function passOf(draft: Draft, id: number): Pass | undefined {
  return passesOf(draft).find((pass) => pass.id === id);
}
