/** The tenure as a pure machine: `next(state, event)` gives the next state and what is to be done (tenure-state.ts). */
import { freshCredit } from "@parlance/gpu-lease";
import { modeOf, rests } from "../lanes/demand.ts";
import { isLive } from "../lanes/work-lane.ts";
import { begin, end, exited, hangsAt, killHung, leave, loaded } from "./course.ts";
import { cancel, letGo } from "./dismissal.ts";
import { change, type Draft, enter, putBack, tenureOf } from "./draft.ts";
import { expire, expiries } from "./expire.ts";
import { handOver } from "./hand-over.ts";
import { breatherEnd, measureShare, nothingOwed } from "./live-share.ts";
import { noteLive } from "./open-session.ts";
import { forgetGaps, noteRequest } from "./patience.ts";
import { died, ended, failed, started } from "./row-ends.ts";
import { denyWishes, getReady, grantWishes, seek, urge } from "./seeking.ts";
import type { TenureEffect, TenureEvent, TenureSettings, TenureState } from "./tenure-state.ts";
import { yieldsNext } from "./turns.ts";

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
    models: settings.models,
    model: 0,
    maxBatchSize: settings.maxBatchSize,
    preparing: [],
    prepared: [],
    resting: [],
    standby: false,
    waiters: [],
    wished: undefined,
    politeUntil: 0,
    closing: false,
    turns: { credit: freshCredit, passedOver: 0, passMs: 0, insideMs: 0, loadMs: 0, share: nothingOwed },
    liveAt: undefined,
    liveSince: undefined,
    askedAt: undefined,
    gaps: {},
    heardAt: 0,
    count: 0,
    mode: "alarm",
  };

  function next(before: TenureState, event: TenureEvent): TenureStep {
    const draft: Draft = { state: before, effects: [], later: [], now: event.now };
    hear(draft, event);
    awake(draft);
    expire(draft);
    measureShare(draft, before, settings);
    change(draft, { heardAt: event.now });
    goOn(draft);
    setMode(draft, before);
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
        else if (event.job.lane !== "batch") noteRequest(draft);
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
        // Another may be chosen by hand before it is this worker's turn again.
        if (event.standby) change(draft, { prepared: [] });
        return;
      case "wished": {
        const { model } = event;
        const prepared = draft.state.prepared.filter((each) => each.model !== model);
        change(draft, { wished: { since: draft.state.wished?.since ?? event.since, model }, prepared });
        forgetGaps(draft, model);
        return;
      }
      case "unload":
        leave(draft, "unloaded", undefined);
        return;
      case "close":
        change(draft, { closing: true });
        leave(draft, "stopped", event.now + DRAIN_MS);
        return;
      case "prepared": {
        const { model, maxBatchSize } = event;
        prepared(draft, model);
        if (draft.state.standby) return;
        change(draft, { prepared: [...draft.state.prepared, { model, maxBatchSize }] });
        return;
      }
      case "not-prepared":
        prepared(draft, event.model);
        if (event.restMs !== undefined) rest(draft, event.model, event.restMs);
        denyWishes(draft, event.model, event.error);
        return;
      case "granted":
        if (phase.name === "asking" && phase.call === event.call) begin(draft, phase.unwanted);
        return;
      case "refused":
        if (phase.name !== "asking" || phase.call !== event.call) return;
        enter(draft, { name: "idle" });
        change(draft, { prepared: [] });
        return;
      case "lost":
        if (phase.name === "ending") enter(draft, { ...phase, reason: "lost", next: undefined });
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
        rest(draft, draft.state.model, event.restMs);
        denyWishes(draft, draft.state.model, event.error);
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
      case "asking":
        if (phase.unwanted) return;
        if (draft.state.closing || draft.state.standby) {
          enter(draft, { ...phase, unwanted: true });
          draft.effects.push({ do: "stop-asking" });
        } else getReady(draft);
        return;
      case "working": {
        killHung(draft, settings);
        grantWishes(draft);
        if (phase.tenure.leaving === undefined) getReady(draft);
        const over = handOver(draft, settings);
        if (over !== undefined) end(draft, over.reason, over.next);
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
      const retries = state.phase.name === "closed" ? [] : state.resting.map(({ until }) => until);
      const times = [...expiries(state), ...retries, ...phaseTimes(state)].flatMap((at) => at ?? []);
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };

  function phaseTimes(state: TenureState): (number | undefined)[] {
    const { phase } = state;
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
function setMode(draft: Draft, before: TenureState): void {
  const mode = modeOf(draft.state);
  change(draft, { mode });
  const { model, waiting, resting } = draft.state;
  const isOpen = mode === "work" || mode === "alarm";
  const isLess = mode !== before.mode && (before.mode === "work" || !isOpen);
  const isOther = model !== before.model || resting.length > before.resting.length;
  if (isLess || (isOther && isOpen)) draft.effects.push({ do: "withdraw" });
  const unwanted = isOpen ? waiting.filter((job) => rests(draft.state, job.model)) : waiting;
  if (unwanted.length === 0) return;
  change(draft, { waiting: waiting.filter((job) => !unwanted.includes(job)) });
  draft.effects.push({ do: "give-back", jobs: unwanted });
}

/** Files are ready, or cannot be had. */
function prepared(draft: Draft, model: number): void {
  change(draft, { preparing: draft.state.preparing.filter((each) => each !== model) });
}

/** It is tried again after a while. */
function rest(draft: Draft, model: number, ms: number): void {
  const others = draft.state.resting.filter((each) => each.model !== model);
  change(draft, { resting: [...others, { model, until: draft.now + ms }] });
}

/** What has rested for long enough. */
function awake(draft: Draft): void {
  const { resting } = draft.state;
  const isDue = ({ until }: (typeof resting)[number]) => until !== undefined && until <= draft.now;
  if (!resting.some(isDue)) return;
  change(draft, { resting: resting.map((each) => (isDue(each) ? { model: each.model, until: undefined } : each)) });
}

function isNewest(draft: Draft, engine: number): boolean {
  return tenureOf(draft.state)?.engine === engine;
}
