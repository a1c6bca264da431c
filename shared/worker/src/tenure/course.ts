/** The course of a tenure, from the lease to letting it go: its engine is loaded, dies and is loaded again, hangs, is killed. */
import { creditAfterLoad, creditAfterStay } from "@parlance/gpu-lease";
import { change, changeTenure, changeTurns, type Draft, enter, nextCount, putBack, rowsOf, tenureOf } from "./draft.ts";
import { denyWishes, POLITE_MS } from "./seeking.ts";
import { type Tenure, type TenureEnd, type TenureEvent, type TenureSettings, yielded } from "./tenure-state.ts";

type Told<Type extends TenureEvent["type"]> = Extract<TenureEvent, { type: Type }>;

/** The lease is got. */
export function begin(draft: Draft, unwanted: boolean): void {
  if (unwanted) {
    enter(draft, { name: "releasing", reason: "stopped" });
    draft.effects.push({ do: "release" });
    return;
  }
  const engine = nextCount(draft);
  enter(draft, { name: "loading", tenure: newTenure(engine) });
  draft.effects.push({ do: "note-tenure" }, { do: "load", engine });
}

export function loaded(draft: Draft, { refills, cuda, loadMs }: Told<"loaded">, { urgentShare }: TenureSettings): void {
  const tenure = tenureOf(draft.state);
  if (tenure === undefined) return;
  enter(draft, {
    name: "working",
    tenure: { ...tenure, refills, rowsAreCheap: cuda, began: tenure.began ?? draft.now },
  });
  change(draft, { retryAt: undefined });
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
}

/** The engine first. */
export function end(draft: Draft, reason: TenureEnd): void {
  const { phase } = draft.state;
  if (phase.name !== "loading" && phase.name !== "working") return;
  const { engine, began } = phase.tenure;
  if (began === undefined) denyWishes(draft, undefined);
  else stayed(draft, draft.now - began);
  enter(draft, { ...phase, name: "ending", reason });
  draft.effects.push({ do: "kill", engine });
}

/** The engine is gone: told to, or not. */
export function exited(draft: Draft): void {
  const { phase, waiting } = draft.state;
  if (phase.name === "working") {
    const { tenure } = phase;
    const isWanted = waiting.length > 0 || tenure.again.length > 0 || tenure.passes.length > 0;
    if (tenure.leaving === undefined && isWanted) reload(draft, tenure);
    else {
      if (tenure.began !== undefined) stayed(draft, draft.now - tenure.began);
      over(draft, tenure, tenure.leaving ?? "engine-gone");
    }
  } else if (phase.name === "ending") over(draft, phase.tenure, phase.reason);
}

function reload(draft: Draft, tenure: Tenure): void {
  const engine = nextCount(draft);
  putBack(
    draft,
    rowsOf(tenure).map(({ job }) => job),
  );
  const { began, again, budgetBytes, passesRun } = tenure;
  enter(draft, { name: "loading", tenure: { ...newTenure(engine), began, again, budgetBytes, passesRun } });
  draft.effects.push({ do: "load", engine });
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
