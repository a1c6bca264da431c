/**
 * Jobs whose pass came to nothing. They are judged (blame.ts), and those that are not convicted run again in groups that stay
 * as they are: halves of what did not fit, suspects alone.
 */
import { type Failure, SpeechError } from "@parlance/contracts";
import type { EngineDied } from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import type { HeldJobs } from "../lanes/held-jobs.ts";
import type { Job } from "../lanes/job.ts";
import type { PassSettlement } from "../results/settle-pass.ts";
import type { Pass } from "../tenure/engine-passes.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import { afterDeath, afterFailure, budgetAfter, type DeathCause, type Verdict } from "./blame.ts";

export interface Retrials {
  readonly size: number;
  readonly jobs: Job[];
  /** What a pass may take since one did not fit. */
  readonly budgetBytes: number;
  /** Suspects that wait among the others must not take those along: from here on each runs alone. */
  singleOut(): void;
  /** The next group, no longer kept here. */
  next(): Job[];
  /** The engine died with the pass. */
  died(pass: Pass, death: EngineDied): void;
  /** The pass came to nothing, and the engine lives. */
  failed(pass: Pass, error: unknown): void;
  /** Everything waits again among the others. */
  putBack(): void;
}

export interface RetrialsOptions {
  held: HeldJobs;
  settle: PassSettlement;
  metrics: WorkerMetrics | undefined;
  log: Log;
}

export function createRetrials({ held, settle, metrics, log }: RetrialsOptions): Retrials {
  let again: Job[][] = [];
  let budgetBytes = Number.POSITIVE_INFINITY;

  function judge(verdict: Verdict<Job>): void {
    again.push(...verdict.again);
    settle.convicted(verdict);
  }

  return {
    get size() {
      return again.length;
    },
    get jobs() {
      return again.flat();
    },
    get budgetBytes() {
      return budgetBytes;
    },
    singleOut() {
      const suspects = held.waiting.filter(({ suspicion }) => suspicion > 0);
      held.take(suspects);
      again.push(...suspects.map((job) => [job]));
    },
    next: () => again.shift() ?? [],
    died({ jobs, hung }, { exit, running }) {
      const killedHere = exit.killed && !hung;
      if (killedHere || exit.deadline || !running) {
        held.putBack(jobs);
        return;
      }
      const cause: DeathCause = hung ? "hung" : exit.signal === "SIGKILL" ? "killed" : "crash";
      metrics?.engineDied(cause);
      log.warn({ cause, size: jobs.length }, "the engine died under a pass; its jobs run again, each alone");
      judge(afterDeath(jobs, cause));
    },
    failed({ jobs }, error) {
      const failure: Failure =
        error instanceof SpeechError ? error.toFailure() : new SpeechError("engine_failed").toFailure();
      log.warn({ ...failure, size: jobs.length }, "a pass failed");
      if (failure.code === "engine_out_of_memory" && jobs.length > 1) {
        budgetBytes = Math.min(budgetBytes, budgetAfter(jobs));
      }
      judge(afterFailure(jobs, failure));
    },
    putBack() {
      held.putBack(again.flat());
      again = [];
    },
  };
}
