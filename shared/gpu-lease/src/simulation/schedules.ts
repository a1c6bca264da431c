/** The schedules that the simulation compares: Parlance's own, and what else could be done. */
import { lanes } from "@parlance/contracts";
import {
  defaultYieldSettings as own,
  shouldYield,
  stayFor,
  type YieldQuestion,
  type YieldSettings,
} from "../yield-policy.ts";
import type { Schedule } from "./simulate.ts";

const rank = ({ ownLanes, waiter }: YieldQuestion) => ({
  mine: Math.min(lanes.length, ...ownLanes.map((lane) => lanes.indexOf(lane))),
  theirs: waiter === undefined ? lanes.length : lanes.indexOf(waiter.lane),
});

/** Turns of a fixed length, and a more urgent waiter is let in after the running pass. */
export function fixedQuantum(seconds: number): Schedule {
  return {
    name: `turns of ${seconds} s, urgent at once`,
    settings: own,
    yields(question) {
      const { mine, theirs } = rank(question);
      if (mine === lanes.length) return true;
      if (question.passes === 0) return false;
      return theirs < mine || (theirs === mine && question.heldMs >= seconds * 1_000);
    },
  };
}

/** The same with a least stay of so many swaps' time after every load, whoever waits. */
export function minimumStay(swaps: number): Schedule {
  return {
    name: `urgent after ${swaps} swaps' time, turns of 10 %`,
    settings: own,
    yields(question) {
      const { mine, theirs } = rank(question);
      if (mine === lanes.length) return true;
      if (question.passes === 0 || question.heldMs < swaps * question.swapMs) return false;
      return theirs < mine || (theirs === mine && question.heldMs >= stayFor(question.swapMs, own.swapShare));
    },
  };
}

/** A family goes on until it has nothing left; a backlog ends after a minute. */
export const drainThenYield: Schedule = {
  name: "drain, then yield (a minute at most)",
  settings: own,
  yields: ({ ownLanes, heldMs, passes }) => ownLanes.length === 0 || (passes > 0 && heldMs >= 60_000),
};

/** What the worker does. */
export function shareBounded(settings: Partial<YieldSettings> = {}): Schedule {
  const bounds = { ...own, ...settings };
  return {
    name: `share-bounded: ${100 * bounds.swapShare} % between backlogs, ${Math.round(100 * bounds.urgentShare)} % for requests`,
    settings: bounds,
    yields: (question) => shouldYield(question) !== undefined,
  };
}
