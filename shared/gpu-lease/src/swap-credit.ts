/**
 * What a family has saved up for letting more urgent waiters in at once: time that it had its model loaded, less what its
 * loads cost. A load costs the stay that keeps swaps at `share` of the time; up to `BURST` loads can be saved up, and no more
 * than one is owed. So requests that come now and then are never held up, and those that come to both families without end
 * find each of them staying for as long as the share asks.
 */
import { stayFor } from "./yield-policy.ts";

export interface SwapCredit {
  /** A model was loaded, which took so long. */
  loaded(swapMs: number): void;
  /** It was loaded for so long, and is no more. */
  stayed(ms: number): void;
  /** What there is after another `heldMs` with the model loaded: below zero is owed. */
  after(heldMs: number): number;
}

/** More would hardly serve requests better, and leave a backlog longer while it is spent. */
const BURST = 2;

export function createSwapCredit(share: number): SwapCredit {
  let most = 0;
  let credit = 0;
  let fresh = true;
  const after = (heldMs: number) => Math.min(most, credit + heldMs);
  return {
    loaded(swapMs) {
      const cost = stayFor(swapMs, share);
      most = BURST * cost;
      credit = Math.max(-cost, (fresh ? most : Math.min(credit, most)) - cost);
      fresh = false;
    },
    stayed(ms) {
      credit = after(ms);
    },
    after,
  };
}
