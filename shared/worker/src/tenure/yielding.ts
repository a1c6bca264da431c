/** What a tenure knows when it asks whether another family's turn has come; the answer is the policy's (shared/gpu-lease). */
import { lanes } from "@parlance/contracts";
import type { Lease, YieldQuestion, YieldSettings } from "@parlance/gpu-lease";
import type { Job } from "../lanes/job.ts";
import type { Turns } from "./turns.ts";

export interface Turn {
  settings: YieldSettings;
  lease: Lease;
  turns: Turns;
  /** Everything that this worker has and has not run. */
  jobs: readonly Job[];
  /** Since the model is loaded. */
  heldMs: number;
  passes: number;
  swapMs: number;
}

export function yieldQuestion({ settings, lease, turns, jobs, heldMs, passes, swapMs }: Turn): YieldQuestion {
  const [waiter] = lease
    .waiting()
    .map(({ wanted }) => wanted)
    .sort((a, b) => lanes.indexOf(a.lane) - lanes.indexOf(b.lane));
  return {
    ...settings,
    ownLanes: lanes.filter((lane) => jobs.some((job) => job.lane === lane)),
    waiter: waiter && { lane: waiter.lane, waitingMs: Date.now() - waiter.since },
    heldMs,
    passes,
    swapMs,
    creditMs: turns.credit.after(heldMs),
  };
}
