/** The tenure as a pure machine: `next(state, event)` gives the next state and what is to be done (tenure-state.ts). */
import { creditAfterLoad, creditAfterStay, freshCredit } from "@parlance/gpu-lease";
import { isPressing, modeOf, urgencyOf } from "../lanes/demand.ts";
import {
  change,
  changePass,
  changeTenure,
  changeTurns,
  type Draft,
  enter,
  nextCount,
  putBack,
  rowsOf,
  tenureOf,
} from "./draft.ts";
import { handOver } from "./hand-over.ts";
import { died, ended, failed, started } from "./row-ends.ts";
import {
  type Tenure,
  type TenureEffect,
  type TenureEnd,
  type TenureEvent,
  type TenureSettings,
  type TenureState,
  yielded,
} from "./tenure-state.ts";

export type TenureStep = [TenureState, TenureEffect[]];

export interface TenureMachine {
  readonly initial: TenureState;
  next(state: TenureState, event: TenureEvent): TenureStep;
  /** When a `tick` is due; undefined: never. */
  wakeAt(state: TenureState): number | undefined;
}

/** How long a worker that yielded leaves a free lease to those it yielded to. */
const POLITE_MS = 1_000;
/** What runs may take this long to end when the worker is asked to stop. */
const DRAIN_MS = 4_000;

export function tenureMachine(settings: TenureSettings): TenureMachine {
  const initial: TenureState = {
    phase: { name: "idle" },
    waiting: [],
    maxBatchSize: settings.maxBatchSize,
    standby: false,
    waiters: [],
    wishedSince: undefined,
    retryAt: undefined,
    politeUntil: 0,
    closing: false,
    turns: { credit: freshCredit, passedOver: 0, passMs: 0, insideMs: 0, loadMs: 0 },
    count: 0,
    mode: "alarm",
  };

  function next(before: TenureState, event: TenureEvent): TenureStep {
    const draft: Draft = { state: before, effects: [], later: [], now: event.now };
    hear(draft, event);
    goOn(draft);
    setMode(draft);
    urge(draft, before);
    return [draft.state, [...draft.effects, ...draft.later]];
  }

  /** What the event says. */
  function hear(draft: Draft, event: TenureEvent): void {
    const { phase } = draft.state;
    switch (event.type) {
      case "job":
        putBack(draft, [event.job]);
        return;
      case "stale":
        letGo(draft, event.ids);
        return;
      case "cancelled":
        cancel(draft, event.batchId);
        return;
      case "standing":
        change(draft, { standby: event.standby, waiters: event.waiters });
        return;
      case "wished":
        change(draft, { wishedSince: draft.state.wishedSince ?? event.since });
        return;
      case "unload":
        leave(draft, "unloaded", undefined);
        return;
      case "close":
        change(draft, { closing: true });
        leave(draft, "stopped", event.now + DRAIN_MS);
        return;
      case "prepared":
        if (phase.name === "preparing") {
          change(draft, { maxBatchSize: event.maxBatchSize });
          ask(draft);
        }
        return;
      case "not-prepared":
        if (phase.name !== "preparing") return;
        enter(draft, { name: "idle" });
        if (event.restMs !== undefined) change(draft, { retryAt: draft.now + event.restMs });
        denyWishes(draft, event.error);
        return;
      case "granted":
        if (phase.name === "asking" && phase.call === event.call) begin(draft, phase.unwanted);
        return;
      case "refused":
        if (phase.name === "asking" && phase.call === event.call) enter(draft, { name: "idle" });
        return;
      case "lost":
        if (phase.name === "ending") enter(draft, { ...phase, reason: "lost" });
        else end(draft, "lost");
        return;
      case "released":
        if (phase.name === "releasing") enter(draft, { name: "idle" });
        return;
      case "loaded":
        if (isNewest(draft, event.engine) && phase.name === "loading") loaded(draft, event.refills, event.loadMs);
        return;
      case "load-failed":
        if (!isNewest(draft, event.engine) || phase.name !== "loading") return;
        change(draft, { retryAt: draft.now + event.restMs });
        denyWishes(draft, event.error);
        end(draft, "load-failed");
        return;
      case "exited":
        if (isNewest(draft, event.engine)) exited(draft);
        return;
      case "started":
        started(draft, event);
        return;
      case "ended":
        ended(draft, event);
        return;
      case "failed":
        failed(draft, event);
        return;
      case "died":
        died(draft, event);
        return;
      case "tick":
        return;
    }
  }

  /** What follows from where it is now. */
  function goOn(draft: Draft): void {
    const { phase } = draft.state;
    switch (phase.name) {
      case "idle":
        seek(draft);
        return;
      case "preparing":
        if (draft.state.closing) enter(draft, { name: "closed" });
        return;
      case "asking":
        if (phase.unwanted) return;
        if (draft.state.closing || draft.state.standby) {
          enter(draft, { ...phase, unwanted: true });
          draft.effects.push({ do: "stop-asking" });
        }
        return;
      case "working": {
        killHung(draft);
        grantWishes(draft);
        const over = handOver(draft, settings);
        if (over !== undefined) end(draft, over);
        return;
      }
      default:
        grantWishes(draft);
    }
  }

  function seek(draft: Draft): void {
    const { state, now } = draft;
    if (state.closing) enter(draft, { name: "closed" });
    else if (state.standby) {
      if (state.wishedSince !== undefined) draft.effects.push({ do: "send-wishes-elsewhere" });
      change(draft, { wishedSince: undefined });
    } else if (modeOf(state, now) === "alarm" && (isPressing(state) || state.retryAt !== undefined)) {
      enter(draft, { name: "preparing" });
      draft.effects.push({ do: "prepare" });
    }
  }

  function ask(draft: Draft): void {
    if (draft.state.standby) {
      enter(draft, { name: "idle" });
      return;
    }
    const call = nextCount(draft);
    // A worker of this family may have yielded just now: whoever waits goes first.
    if (draft.state.waiters.length > 0) change(draft, { politeUntil: draft.now + POLITE_MS });
    const politeMs = Math.max(0, draft.state.politeUntil - draft.now);
    enter(draft, { name: "asking", call, unwanted: false });
    draft.effects.push({ do: "acquire", call, ...urgencyOf(draft.state), politeMs });
  }

  function begin(draft: Draft, unwanted: boolean): void {
    if (unwanted) {
      enter(draft, { name: "releasing", reason: "stopped" });
      draft.effects.push({ do: "release" });
      return;
    }
    const engine = nextCount(draft);
    enter(draft, { name: "loading", tenure: newTenure(engine) });
    draft.effects.push({ do: "note-tenure" }, { do: "load", engine });
  }

  function loaded(draft: Draft, refills: boolean, loadMs: number): void {
    const tenure = tenureOf(draft.state);
    if (tenure === undefined) return;
    enter(draft, { name: "working", tenure: { ...tenure, refills, began: tenure.began ?? draft.now } });
    change(draft, { retryAt: undefined });
    changeTurns(draft, { loadMs });
    // An engine that died and came again is no swap.
    if (tenure.began !== undefined) return;
    changeTurns(draft, { credit: creditAfterLoad(draft.state.turns.credit, loadMs, settings.urgentShare) });
  }

  function leave(draft: Draft, leaving: "unloaded" | "stopped", leaveBy: number | undefined): void {
    const { phase } = draft.state;
    if (phase.name === "loading") end(draft, leaving);
    else if (phase.name === "working" && phase.tenure.leaving !== "stopped") changeTenure(draft, { leaving, leaveBy });
  }

  /** The engine first. */
  function end(draft: Draft, reason: TenureEnd): void {
    const { phase } = draft.state;
    if (phase.name !== "loading" && phase.name !== "working") return;
    const { engine, began } = phase.tenure;
    if (began === undefined) denyWishes(draft, undefined);
    else stayed(draft, draft.now - began);
    enter(draft, { ...phase, name: "ending", reason });
    draft.effects.push({ do: "kill", engine });
  }

  function exited(draft: Draft): void {
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
      goOn(draft);
    } else {
      enter(draft, { name: "releasing", reason });
      draft.effects.push({ do: "release" });
    }
  }

  function stayed(draft: Draft, ms: number): void {
    changeTurns(draft, { credit: creditAfterStay(draft.state.turns.credit, ms) });
  }

  function killHung(draft: Draft): void {
    const tenure = tenureOf(draft.state);
    if (tenure === undefined || tenure.hung || tenure.dead || draft.now < (hangsAt(tenure) ?? Number.POSITIVE_INFINITY))
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

  function hangsAt(tenure: Tenure): number | undefined {
    return tenure.runs.length > 0 ? tenure.movedAt + settings.passTimeoutMs : undefined;
  }

  function newTenure(engine: number): Tenure {
    return {
      engine,
      began: undefined,
      refills: false,
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

  return {
    initial,
    next,
    wakeAt(state) {
      const { phase, retryAt } = state;
      if (phase.name === "idle") return state.mode === "resting" ? retryAt : undefined;
      if (phase.name !== "working") return undefined;
      const { tenure } = phase;
      if (tenure.hung || tenure.dead) return undefined;
      const { idleSince, waitUntil, breatherUntil, leaveBy } = tenure;
      const idleUntil = idleSince !== undefined && settings.idleMs > 0 ? idleSince + settings.idleMs : undefined;
      const times = [idleUntil, waitUntil, breatherUntil, leaveBy, hangsAt(tenure)].flatMap((at) => at ?? []);
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };
}

function isNewest(draft: Draft, engine: number): boolean {
  return tenureOf(draft.state)?.engine === engine;
}

/** Nobody waits for the batch any more: what waits is settled, what is in the engine told to stop. */
function cancel(draft: Draft, batchId: string): void {
  const isMeant = (job: { batchId: string }) => job.batchId === batchId;
  const { waiting } = draft.state;
  change(draft, { waiting: waiting.filter((job) => !isMeant(job)) });
  const unwanted = waiting.filter(isMeant);
  const tenure = tenureOf(draft.state);
  if (tenure !== undefined) {
    unwanted.push(...tenure.again.flat().filter(isMeant));
    const again = tenure.again.map((group) => group.filter((job) => !isMeant(job))).filter((group) => group.length > 0);
    changeTenure(draft, { again });
    for (const pass of tenure.passes) {
      const meant = pass.rows.filter(({ job, stopped }) => isMeant(job) && stopped !== "unwanted");
      if (meant.length === 0) continue;
      const rows = pass.rows.map((row) => (meant.includes(row) ? { ...row, stopped: "unwanted" as const } : row));
      changePass(draft, { ...pass, rows });
      draft.effects.push({ do: "stop", pass: pass.id, rows: meant.map(({ row }) => row) });
    }
  }
  for (const job of unwanted) draft.later.push({ do: "unwanted", job });
}

/** What waits and is somebody else's by now. What runs goes on: its result is as good. */
function letGo(draft: Draft, ids: readonly number[]): void {
  const jobs = draft.state.waiting.filter(({ id }) => ids.includes(id));
  if (jobs.length === 0) return;
  change(draft, { waiting: draft.state.waiting.filter((job) => !jobs.includes(job)) });
  draft.effects.push({ do: "let-go", jobs });
}

/** The model is there for whoever asked for it by name, if it stays. */
function grantWishes(draft: Draft): void {
  const tenure = tenureOf(draft.state);
  if (draft.state.wishedSince === undefined || tenure?.began === undefined || tenure.leaving !== undefined) return;
  if (draft.state.phase.name === "ending") return;
  change(draft, { wishedSince: undefined });
  draft.effects.push({ do: "grant-wishes" });
}

function denyWishes(draft: Draft, error: Error | undefined): void {
  if (draft.state.wishedSince === undefined) return;
  change(draft, { wishedSince: undefined });
  draft.effects.push({ do: "deny-wishes", error });
}

/** Whoever holds the lease hears when what waits has become more urgent. */
function urge(draft: Draft, before: TenureState): void {
  const { phase } = draft.state;
  if (phase.name !== "asking" || phase.unwanted || before.phase.name !== "asking") return;
  const [then, now] = [urgencyOf(before), urgencyOf(draft.state)];
  if (then.lane !== now.lane || then.since !== now.since) draft.effects.push({ do: "urge", ...now });
}

/** What is not wanted of the lanes any more is given back, and asked for no longer. */
function setMode(draft: Draft): void {
  const before = draft.state.mode;
  const mode = modeOf(draft.state, draft.now);
  change(draft, { mode });
  const isOpen = mode === "work" || mode === "alarm";
  if (mode !== before && (before === "work" || !isOpen)) draft.effects.push({ do: "withdraw" });
  const { waiting } = draft.state;
  if (isOpen || waiting.length === 0) return;
  change(draft, { waiting: [] });
  draft.effects.push({ do: "give-back", jobs: waiting });
}
