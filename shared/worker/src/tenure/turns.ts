/** What one tenure leaves to the next: who may come in out of turn, what swaps cost here, what passes take. */
import { createSwapCredit, type SwapCredit } from "@parlance/gpu-lease";
import { createSwapLog, type SwapLog } from "./swap-log.ts";

export interface Turns {
  credit: SwapCredit;
  swaps: SwapLog;
  /** Passes in a row that left batch work behind. */
  passedOver: number;
  /** What long passes take; fades as passes get shorter. */
  passMs: number;
}

const FADE = 0.8;

export function createTurns(urgentShare: number): Turns {
  return { credit: createSwapCredit(urgentShare), swaps: createSwapLog(), passedOver: 0, passMs: 0 };
}

export function passTook(turns: Turns, ms: number): void {
  turns.passMs = Math.max(FADE * turns.passMs, ms);
}
