/** The course of a tenure, from the lease to letting it go: its engine is loaded, dies and is loaded again, hangs, is killed. */
import { creditAfterLoad, creditAfterStay } from "@parlance/gpu-lease";
import {
  change,
  changeTenure,
  changeTurns,
  choose,
  type Draft,
  enter,
  nextCount,
  putBack,
  rowsOf,
  tenureOf,
} from "./draft.ts";
import { denyWishes, POLITE_MS } from "./seeking.ts";
import { type Tenure, type TenureEnd, type TenureEvent, type TenureSettings, yielded } from "./tenure-state.ts";
import { waitingModel } from "./turns.ts";

type Told<Type extends TenureEvent["type"]> = Extract<TenureEvent, { type: Type }>;

/** The lease is got. */
export function begin(draft: Draft, unwanted: boolean): void {
  if (unwanted) {
    enter(draft, { name: "releasing", reason: "stopped" });
    draft.effects.push({ do: "release" });
    return;
  }
  draft.effects.push({ do: "note-tenure" });
  // More urgent work may have come since, for another model.
  load(draft, waitingModel(draft.state)?.model ?? draft.state.model, undefined);
}

function load(draft: Draft, model: number, firstBegan: number | undefined): void {
  choose(draft, model);
  change(draft, { prepared: draft.state.prepared.filter((each) => each.model !== model) });
  const engine = nextCount(draft);
  enter(draft, { name: "loading", tenure: { ...newTenure(engine), firstBegan } });
  draft.effects.push({ do: "load", engine, model });
}

export function loaded(draft: Draft, { refills, cuda, loadMs }: Told<"loaded">, { urgentShare }: TenureSettings): void {
  const tenure = tenureOf(draft.state);
  if (tenure === undefined) return;
  enter(draft, {
    name: "working",
    tenure: {
      ...tenure,
      ...{ refills, rowsAreCheap: cuda },
      began: tenure.began ?? draft.now,
      firstBegan: tenure.firstBegan ?? draft.now,
    },
  });
  const { resting, model } = draft.state;
  change(draft, { resting: resting.filter((each) => each.model !== model) });
  changeTurns(draft, { loadMs });
  // An engine that died and came again is no swap.
  if (tenure.began !== undefined) return;
  changeTurns(draft, { credit: creditAfterLoad(draft.state.turns.credit, loadMs, urgentShare) });
}

/** What runs may end, until `leaveBy`. */
export function leave(draft: Draft, leaving: "unloaded" | "stopped", leaveBy: number | undefined): void {
  const { phase } = draft.state;
  if (phase.name === "loading") end(draft, leaving);
  else if (phase.name === "working" && phase.tenure.leaving !== "stopped") changeTenure(draft, { leaving, leaveBy });
  else if (phase.name === "ending") enter(draft, { ...phase, next: undefined });
}

/**
 * The engine first.
 *
 * @param next the model that is loaded then
 */
export function end(draft: Draft, reason: TenureEnd, next?: number): void {
  const { phase, model } = draft.state;
  if (phase.name !== "loading" && phase.name !== "working") return;
  const { engine, began } = phase.tenure;
  if (began === undefined) denyWishes(draft, model, undefined);
  else stayed(draft, draft.now - began);
  enter(draft, { ...phase, name: "ending", reason, next });
  draft.effects.push({ do: "kill", engine });
}

/** The engine is gone: told to, or not. */
export function exited(draft: Draft): void {
  const { phase, waiting, model } = draft.state;
  if (phase.name === "working") {
    const { tenure } = phase;
    const isWanted = waiting.some((job) => job.model === model) || tenure.again.length > 0 || tenure.passes.length > 0;
    if (tenure.leaving === undefined && isWanted) reload(draft, tenure);
    else {
      if (tenure.began !== undefined) stayed(draft, draft.now - tenure.began);
      over(draft, tenure, tenure.leaving ?? "engine-gone");
    }
  } else if (phase.name === "ending") {
    const { tenure, reason, next } = phase;
    if (next !== undefined && isWaiting(draft, next)) turn(draft, tenure, reason, next);
    else over(draft, tenure, reason);
  }
}

/** Work waits for the model, and it could be loaded. */
function isWaiting({ state: { waiting, prepared, wished } }: Draft, model: number): boolean {
  if (!prepared.some((each) => each.model === model)) return false;
  return wished?.model === model || waiting.some((job) => job.model === model);
}

/** Another model's, with the lease kept. */
function turn(draft: Draft, tenure: Tenure, reason: TenureEnd, next: number): void {
  putBack(draft, [...tenure.again.flat(), ...rowsOf(tenure).map(({ job }) => job)]);
  draft.effects.push({ do: "note-turn", reason });
  load(draft, next, tenure.firstBegan);
}

function reload(draft: Draft, tenure: Tenure): void {
  const engine = nextCount(draft);
  putBack(
    draft,
    rowsOf(tenure).map(({ job }) => job),
  );
  const { began, firstBegan, again, budgetBytes, passesRun } = tenure;
  enter(draft, { name: "loading", tenure: { ...newTenure(engine), began, firstBegan, again, budgetBytes, passesRun } });
  draft.effects.push({ do: "load", engine, model: draft.state.model });
}

/** No engine any more: the lease may go. */
function over(draft: Draft, tenure: Tenure, reason: TenureEnd): void {
  putBack(draft, [...tenure.again.flat(), ...rowsOf(tenure).map(({ job }) => job)]);
  change(draft, { politeUntil: yielded.has(reason) ? draft.now + POLITE_MS : 0 });
  draft.effects.push({ do: "note-end", reason });
  if (reason === "lost") {
    draft.effects.push({ do: "give-back", jobs: draft.state.waiting });
    change(draft, { waiting: [] });
    enter(draft, { name: "idle" });
  } else {
    enter(draft, { name: "releasing", reason });
    draft.effects.push({ do: "release" });
  }
}

function stayed(draft: Draft, ms: number): void {
  changeTurns(draft, { credit: creditAfterStay(draft.state.turns.credit, ms) });
}

/** A pass that moves no more. */
export function killHung(draft: Draft, settings: TenureSettings): void {
  const tenure = tenureOf(draft.state);
  if (
    tenure === undefined ||
    tenure.hung ||
    tenure.dead ||
    draft.now < (hangsAt(tenure, settings) ?? Number.POSITIVE_INFINITY)
  )
    return;
  changeTenure(draft, { hung: true });
  draft.effects.push(
    {
      do: "note-hang",
      rows: rowsOf(tenure).filter(({ run }) => run !== undefined).length,
      ms: settings.passTimeoutMs,
    },
    { do: "kill", engine: tenure.engine },
  );
}

/** Undefined while nothing runs. */
export function hangsAt(tenure: Tenure, { passTimeoutMs }: TenureSettings): number | undefined {
  return tenure.runs.length > 0 ? tenure.movedAt + passTimeoutMs : undefined;
}

function newTenure(engine: number): Tenure {
  return {
    engine,
    began: undefined,
    firstBegan: undefined,
    refills: false,
    rowsAreCheap: false,
    passes: [],
    runs: [],
    again: [],
    budgetBytes: Number.POSITIVE_INFINITY,
    passesRun: 0,
    idleSince: undefined,
    waitUntil: undefined,
    movedAt: 0,
    hung: false,
    dead: false,
    breatherUntil: undefined,
    leaving: undefined,
    leaveBy: undefined,
  };
}
