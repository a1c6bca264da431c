/** Before a tenure: is there work, are the files there, may the lease be had? And those who wait for the model by name. */
import { isPressing, modeOf, urgencyOf } from "../lanes/demand.ts";
import { change, type Draft, enter, nextCount, tenureOf } from "./draft.ts";
import type { TenureState } from "./tenure-state.ts";

/** How long a worker that yielded leaves a free lease to those it yielded to. */
export const POLITE_MS = 1_000;

export function seek(draft: Draft): void {
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

/** The files are ready. */
export function ask(draft: Draft): void {
  if (draft.state.standby) {
    enter(draft, { name: "idle" });
    return;
  }
  const call = nextCount(draft);
  // A worker of this family may have yielded just now: whoever waits goes first.
  if (draft.state.waiters.length > 0) change(draft, { politeUntil: draft.now + POLITE_MS });
  const politeMs = Math.max(0, draft.state.politeUntil - draft.now);
  enter(draft, { name: "asking", call, unwanted: false });
  draft.effects.push({ do: "acquire", call, ...urgencyOf(draft.state, draft.now), politeMs });
}

/** Whoever holds the lease hears when what waits has become more urgent. */
export function urge(draft: Draft, before: TenureState): void {
  const { phase } = draft.state;
  if (phase.name !== "asking" || phase.unwanted || before.phase.name !== "asking") return;
  const [then, now] = [urgencyOf(before, before.heardAt), urgencyOf(draft.state, draft.now)];
  if (then.lane !== now.lane || then.since !== now.since) draft.effects.push({ do: "urge", ...now });
}

/** The model is there for whoever asked for it by name, if it stays. */
export function grantWishes(draft: Draft): void {
  const tenure = tenureOf(draft.state);
  if (draft.state.wishedSince === undefined || tenure?.began === undefined || tenure.leaving !== undefined) return;
  if (draft.state.phase.name === "ending") return;
  change(draft, { wishedSince: undefined });
  draft.effects.push({ do: "grant-wishes" });
}

export function denyWishes(draft: Draft, error: Error | undefined): void {
  if (draft.state.wishedSince === undefined) return;
  change(draft, { wishedSince: undefined });
  draft.effects.push({ do: "deny-wishes", error });
}
