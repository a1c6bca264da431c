/** What comes of a row: its result is stored and acknowledged as soon as it is there, each job by itself. */
import { type Failure, SpeechError } from "@parlance/contracts";
import type { EngineOutcome, Json } from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import type { HeldJobs } from "../lanes/held-jobs.ts";
import type { Job } from "../lanes/job.ts";
import type { EngineDescription } from "../tenure/engine-description.ts";
import type { RowEnd } from "../tenure/tenure-state.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import type { Settlement } from "./settle.ts";

export interface PassInfo {
  /** How many rows ran when this one began. */
  size: number;
  /** Of this row, milliseconds since the epoch. */
  startedAt: number;
  finishedAt: number;
  engine: EngineDescription;
}

/**
 * A row that came out well, as the payload of its result. What the result names must be stored before this resolves. When it
 * throws a SpeechError that time may heal (NATS is away, a bucket is full), the job is given back and run again.
 */
export type ToResult = (
  job: Job,
  outcome: { meta: Json; payload?: Uint8Array },
  pass: PassInfo,
) => object | Promise<object>;

export interface PassSettlementOptions {
  held: Pick<HeldJobs, "drop">;
  settlement: Settlement;
  toResult: ToResult;
  /** Work that goes on whatever becomes of the tenure. */
  track(work: Promise<unknown>): void;
  metrics: WorkerMetrics | undefined;
  log: Log;
}

export interface PassSettlement {
  outcome(job: Job, end: RowEnd, engine: EngineDescription): void;
  /** It is given up. */
  convicted(job: Job, failure: Failure, deadLetter: boolean): void;
  /** Nobody wants a result. */
  unwanted(job: Job): void;
}

const GIVEN_BACK_FOR_MS = 5_000;

export function createPassSettlement(options: PassSettlementOptions): PassSettlement {
  const { held, settlement, toResult, track, metrics, log } = options;

  async function settle(job: Job, outcome: EngineOutcome, info: PassInfo): Promise<void> {
    if (outcome.ok) {
      try {
        await settlement.result(job, await toResult(job, outcome, info));
        metrics?.segments("ok");
      } catch (error) {
        if (isPassing(error)) {
          log.warn({ err: error, subject: job.delivery.subject }, "what belongs to a result cannot be stored; later");
          job.delivery.nak(GIVEN_BACK_FOR_MS);
          held.drop(job);
          return;
        }
        log.error({ err: error, subject: job.delivery.subject }, "an engine's outcome makes no result");
        await settlement.failure(job, new SpeechError("engine_failed").toFailure(), info.startedAt);
        metrics?.segments("failed");
      }
    } else {
      await settlement.failure(job, outcome.failure, info.startedAt);
      metrics?.segments("failed");
    }
    held.drop(job);
  }

  return {
    outcome: (job, { outcome, ...rest }, engine) => track(settle(job, outcome, { ...rest, engine })),
    convicted(job, failure, deadLetter) {
      metrics?.segments(deadLetter ? "dead" : "failed");
      const settling = deadLetter ? settlement.dead(job.delivery, failure, job) : settlement.failure(job, failure);
      track(settling.then(() => held.drop(job)));
    },
    unwanted(job) {
      metrics?.segments("cancelled");
      held.drop(job);
      track(settlement.forget(job.delivery));
    },
  };
}

function isPassing(error: unknown): boolean {
  return error instanceof SpeechError && error.retryable && error.code !== "internal";
}
