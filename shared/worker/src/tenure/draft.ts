/** A step of the machine while it is being thought out: the state so far, and what is to be done. Nothing in a state is changed. */
import type { Pass, Phase, Row, Tenure, TenureEffect, TenureJob, TenureState, Turns } from "./tenure-state.ts";

export interface Draft {
  state: TenureState;
  readonly effects: TenureEffect[];
  /** What can wait until the engine has its next work. */
  readonly later: TenureEffect[];
  readonly now: number;
}

export function change(draft: Draft, what: Partial<TenureState>): void {
  draft.state = { ...draft.state, ...what };
}

export function changeTurns(draft: Draft, what: Partial<Turns>): void {
  change(draft, { turns: { ...draft.state.turns, ...what } });
}

/** The model that is to be loaded from here on. */
export function choose(draft: Draft, model: number): void {
  const { maxBatchSize } = draft.state.prepared.find((each) => each.model === model) ?? draft.state;
  change(draft, { model, maxBatchSize });
}

export function enter(draft: Draft, phase: Phase): void {
  change(draft, { phase });
}

export function nextCount(draft: Draft): number {
  change(draft, { count: draft.state.count + 1 });
  return draft.state.count;
}

/** Undefined without one. */
export function tenureOf({ phase }: TenureState): Tenure | undefined {
  return "tenure" in phase ? phase.tenure : undefined;
}

export function changeTenure(draft: Draft, what: Partial<Tenure>): void {
  const { phase } = draft.state;
  if ("tenure" in phase) enter(draft, { ...phase, tenure: { ...phase.tenure, ...what } });
}

/** Jobs wait again among the others, at their age; those of a cancelled batch are wanted by nobody. */
export function putBack(draft: Draft, jobs: readonly TenureJob[]): void {
  if (jobs.length === 0) return;
  change(draft, { waiting: [...draft.state.waiting, ...jobs].sort((a, b) => a.arrivedAt - b.arrivedAt) });
}

export function rowsOf(tenure: Tenure): Row[] {
  return tenure.passes.flatMap(({ rows }) => rows);
}

/** Every job that is known: none of them is ever in two places. */
export function jobsOf(state: TenureState): TenureJob[] {
  const tenure = tenureOf(state);
  if (tenure === undefined) return [...state.waiting];
  return [...state.waiting, ...tenure.again.flat(), ...rowsOf(tenure).map(({ job }) => job)];
}

/** Replaces a pass, which leaves with its last row, and a run with it. */
export function changePass(draft: Draft, changed: Pass): void {
  const tenure = tenureOf(draft.state);
  if (tenure === undefined) return;
  const passes = tenure.passes.flatMap((pass) => {
    if (pass.id !== changed.id) return [pass];
    return changed.rows.length > 0 ? [changed] : [];
  });
  const open = new Set(passes.flatMap(({ rows }) => rows.map(({ run }) => run)));
  changeTenure(draft, { passes, runs: tenure.runs.filter(({ number }) => open.has(number)) });
}
