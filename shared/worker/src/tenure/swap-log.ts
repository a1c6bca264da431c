/** What swaps cost here: the loads after the lease was got, each with its parts, newest last. */
import type { WorkerState } from "@parlance/contracts";
import type { EngineDescription } from "./engine-description.ts";

export type Swap = NonNullable<WorkerState["swaps"]>["recent"][number];

export interface SwapLog {
  add(swap: Swap): void;
  /** What was loaded last is there no longer. */
  ended(at: number): void;
  readonly state: NonNullable<WorkerState["swaps"]>;
}

const KEPT = 20;

export function createSwapLog(): SwapLog {
  let count = 0;
  let recent: Swap[] = [];

  function ended(until: number): void {
    const last = recent.at(-1);
    if (last !== undefined && last.until === undefined) recent = [...recent.slice(0, -1), { ...last, until }];
  }

  return {
    add(swap) {
      count += 1;
      ended(swap.at - swap.seconds * 1_000);
      recent = [...recent, swap].slice(-KEPT);
    },
    ended,
    get state() {
      return { count, recent };
    },
  };
}

/** @param loadMs from starting the engine process to its being loaded */
export function swapOf(loadMs: number, engine: EngineDescription, now: number): Swap {
  const { checkSeconds, loadSeconds, warmUpSeconds } = engine;
  const seconds = rounded(loadMs / 1_000);
  return {
    model: engine.name,
    at: now,
    seconds,
    // Whatever the engine did not do itself: the process, its thread, its modules.
    startSeconds: rounded(Math.max(0, seconds - loadSeconds - warmUpSeconds)),
    checkSeconds,
    loadSeconds: rounded(Math.max(0, loadSeconds - checkSeconds)),
    warmUpSeconds,
  };
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
