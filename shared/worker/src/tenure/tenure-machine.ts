/** The tenure as a pure machine: `next(state, event)` gives the next state and what is to be done (tenure-state.ts). */
import { freshCredit } from "@parlance/gpu-lease";
import { modeOf } from "../lanes/demand.ts";
import { isLive } from "../lanes/work-lane.ts";
import { begin, end, exited, hangsAt, killHung, leave, loaded } from "./course.ts";
import { cancel, letGo } from "./dismissal.ts";
import { change, type Draft, enter, putBack, tenureOf } from "./draft.ts";
import { expire, expiries } from "./expire.ts";
import { handOver } from "./hand-over.ts";
import { breatherEnd, measureShare, nothingOwed } from "./live-share.ts";
import { noteLive } from "./open-session.ts";
import { yieldsNext } from "./other-turn.ts";
import { died, ended, failed, started } from "./row-ends.ts";
import { ask, denyWishes, grantWishes, seek, urge } from "./seeking.ts";
import type { TenureEffect, TenureEvent, TenureSettings, TenureState } from "./tenure-state.ts";

export type TenureStep = [TenureState, TenureEffect[]];

export interface TenureMachine {
  readonly initial: TenureState;
  next(state: TenureState, event: TenureEvent): TenureStep;
  /** When a `tick` is due; undefined: never. */
  wakeAt(state: TenureState): number | undefined;
}

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
    turns: { credit: freshCredit, passedOver: 0, passMs: 0, insideMs: 0, loadMs: 0, heldUpMs: 0, share: nothingOwed },
    liveAt: undefined,
    liveSince: undefined,
    heardAt: 0,
    count: 0,
    mode: "alarm",
  };

  function next(before: TenureState, event: TenureEvent): TenureStep {
    const draft: Draft = { state: before, effects: [], later: [], now: event.now };
    hear(draft, event);
    expire(draft);
    measureShare(draft, before, settings);
    change(draft, { heardAt: event.now });
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
        if (settings.hasSessions && isLive(event.job.lane)) noteLive(draft, event.job);
        return;
      case "windows":
        putBack(draft, event.windows);
        for (const window of event.windows) noteLive(draft, window);
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
        if (isNewest(draft, event.engine) && phase.name === "loading") loaded(draft, event, settings);
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
        killHung(draft, settings);
        grantWishes(draft);
        const over = handOver(draft, settings);
        if (over !== undefined) end(draft, over);
        return;
      }
      default:
        grantWishes(draft);
    }
  }

  return {
    initial,
    next,
    wakeAt(state) {
      const times = [...expiries(state), ...phaseTimes(state)].flatMap((at) => at ?? []);
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };

  function phaseTimes(state: TenureState): (number | undefined)[] {
    const { phase, retryAt } = state;
    if (phase.name === "idle") return state.mode === "resting" ? [retryAt] : [];
    if (phase.name !== "working") return [];
    const { tenure } = phase;
    if (tenure.hung || tenure.dead) return [];
    const { idleSince, waitUntil, breatherUntil, leaveBy } = tenure;
    const idleUntil = idleSince !== undefined && settings.idleMs > 0 ? idleSince + settings.idleMs : undefined;
    const due = [idleUntil, waitUntil, breatherUntil, leaveBy, hangsAt(tenure, settings)];
    return [...due, breatherEnd(state), yieldsNext(state, settings)];
  }
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

function isNewest(draft: Draft, engine: number): boolean {
  return tenureOf(draft.state)?.engine === engine;
}
