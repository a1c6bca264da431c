/** When a holder lets another family have the accelerator: a pure decision, taken between passes. */
import { type Lane, lanes } from "@parlance/contracts";

export interface YieldQuestion {
  /** Lanes of which work is waiting here. */
  ownLanes: readonly Lane[];
  /** The most urgent other family that waits; undefined: nobody does. */
  waiter: { lane: Lane; waitingMs: number } | undefined;
  heldMs: number;
  /** Passes run since the lease was got. */
  passes: number;
  /** How long one side may go on while both have work of the same urgency. */
  quantumMs: number;
  /** What a swap costs: unloading here, loading there. */
  swapMs: number;
}

export type YieldReason = "idle" | "urgency" | "quantum" | "patience";

/** Quanta after which a waiter gets its turn however much more urgent the holder's own work is. */
const PATIENCE = 4;

/**
 * Why to yield now, or undefined to go on. A holder that has work runs at least one pass, so that two families with
 * urgent work take turns and neither swaps without having done anything.
 */
export function shouldYield(question: YieldQuestion): YieldReason | undefined {
  const { ownLanes, waiter, heldMs, passes, quantumMs, swapMs } = question;
  if (waiter === undefined) return undefined;
  if (ownLanes.length === 0) return "idle";
  if (passes === 0) return undefined;
  const own = Math.min(...ownLanes.map((lane) => lanes.indexOf(lane)));
  const theirs = lanes.indexOf(waiter.lane);
  // A quantum shorter than the swaps that it buys would spend most of the time swapping.
  const quantum = Math.max(quantumMs, 2 * swapMs);
  if (theirs < own) return "urgency";
  if (theirs === own && heldMs >= quantum) return "quantum";
  if (theirs > own && heldMs >= quantum && waiter.waitingMs >= PATIENCE * quantum) return "patience";
  return undefined;
}
