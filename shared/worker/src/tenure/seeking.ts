/** Before a tenure: is there work, are the files there, may the lease be had? And those who wait for the model by name. */
import { modeOf, rests, urgencyOf } from "../lanes/demand.ts";
import { change, choose, type Draft, enter, nextCount, tenureOf } from "./draft.ts";
import type { TenureState } from "./tenure-state.ts";
import { waitingModel } from "./turns.ts";

/** How long a worker that yielded leaves a free lease to those it yielded to. */
export const POLITE_MS = 1_000;

export function seek(draft: Draft): void {
  const { state, now } = draft;
  if (state.closing) enter(draft, { name: "closed" });
  else if (state.standby) {
    if (state.wished !== undefined) draft.effects.push({ do: "send-wishes-elsewhere" });
    change(draft, { wished: undefined });
  } else if (modeOf(state) === "alarm") {
    getReady(
      draft,
      state.resting.filter(({ until }) => until === undefined).map(({ model }) => model),
    );
    const model = nextModel(draft.state);
    if (model !== undefined) ask(draft, model, now);
  }
}

/** The files of the models for which work waits, and of these. */
export function getReady(draft: Draft, others: readonly number[] = []): void {
  const { state } = draft;
  const { waiting, wished, preparing, prepared, model: loaded } = state;
  const wanted = new Set([...(wished ? [wished.model] : []), ...waiting.map(({ model }) => model), ...others]);
  for (const model of wanted) {
    const isThere = preparing.includes(model) || prepared.some((each) => each.model === model);
    if (isThere || rests(state, model) || (tenureOf(state) !== undefined && model === loaded)) continue;
    change(draft, { preparing: [...draft.state.preparing, model] });
    draft.effects.push({ do: "prepare", model });
  }
}

/** Of those whose files are ready: the one that somebody waits for by name, the one that work waits for, or one to be tried again. */
function nextModel(state: TenureState): number | undefined {
  const { prepared, wished, resting } = state;
  const isReady = (model: number) => prepared.some((each) => each.model === model);
  if (wished !== undefined && isReady(wished.model)) return wished.model;
  const due = resting.find(({ model, until }) => until === undefined && isReady(model));
  return waitingModel(state)?.model ?? due?.model;
}

function ask(draft: Draft, model: number, now: number): void {
  choose(draft, model);
  const call = nextCount(draft);
  // A worker of this family may have yielded just now: whoever waits goes first.
  if (draft.state.waiters.length > 0) change(draft, { politeUntil: now + POLITE_MS });
  const politeMs = Math.max(0, draft.state.politeUntil - now);
  enter(draft, { name: "asking", call, unwanted: false });
  draft.effects.push({ do: "acquire", call, ...urgencyOf(draft.state, now), politeMs });
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
  const { wished, model, phase } = draft.state;
  if (wished?.model !== model || tenure?.began === undefined || tenure.leaving !== undefined) return;
  if (phase.name === "ending") return;
  change(draft, { wished: undefined });
  draft.effects.push({ do: "grant-wishes" });
}

export function denyWishes(draft: Draft, model: number, error: Error | undefined): void {
  if (draft.state.wished?.model !== model) return;
  change(draft, { wished: undefined });
  draft.effects.push({ do: "deny-wishes", error });
}
