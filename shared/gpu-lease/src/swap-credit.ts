/**
 * What a family has saved up for letting more urgent waiters in at once: time that it had its model loaded, less what its
 * loads cost. A load costs the stay that keeps swaps at `share` of the time; up to `BURST` loads can be saved up, and no more
 * than one is owed. So requests that come now and then are never held up, and those that come to both families without end
 * find each of them staying for as long as the share asks.
 */
import { stayFor } from "./yield-policy.ts";

export interface Credit {
  readonly ms: number;
  /** The most that can be saved up, by what loads cost here. */
  readonly most: number;
  /** Nothing was loaded yet: the first load finds all of it saved up. */
  readonly fresh: boolean;
}

/** More would hardly serve requests better, and leave a backlog longer while it is spent. */
const BURST = 2;

export const freshCredit: Credit = { ms: 0, most: 0, fresh: true };

/** After a model was loaded, which took `swapMs`, where swaps may take `share` of the time. */
export function creditAfterLoad({ ms, fresh }: Credit, swapMs: number, share: number): Credit {
  const cost = stayFor(swapMs, share);
  const most = BURST * cost;
  return { ms: Math.max(-cost, (fresh ? most : Math.min(ms, most)) - cost), most, fresh: false };
}

/** After another `heldMs` with the model loaded. */
export function creditAfterStay(credit: Credit, heldMs: number): Credit {
  return { ...credit, ms: Math.min(credit.most, credit.ms + heldMs) };
}

export interface SwapCredit {
  /** A model was loaded, which took so long. */
  loaded(swapMs: number): void;
  /** It was loaded for so long, and is no more. */
  stayed(ms: number): void;
  /** What there is after another `heldMs` with the model loaded: below zero is owed. */
  after(heldMs: number): number;
}

export function createSwapCredit(share: number): SwapCredit {
  let credit = freshCredit;
  return {
    loaded(swapMs) {
      credit = creditAfterLoad(credit, swapMs, share);
    },
    stayed(ms) {
      credit = creditAfterStay(credit, ms);
    },
    after: (heldMs) => creditAfterStay(credit, heldMs).ms,
  };
}
