/**
 * The passes that the engine has: one that runs, and what is prepared behind it. Each of them ends in one of three ways: with
 * outcomes, with a failure of the whole pass, or with the engine's death; one that hangs is ended by killing the engine.
 */
import type { Bus } from "@parlance/bus";
import { type Lane, lanes, subjects } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import { EngineDied, type PassOutcomes, runWholePass } from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import type { Job } from "../lanes/job.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import type { Occupancy } from "./compose-pass.ts";
import type { EngineDescription } from "./engine-description.ts";
import type { LoadedEngine } from "./engine-slot.ts";

export interface Pass {
  readonly jobs: readonly Job[];
  /** The most urgent one of its jobs'. */
  readonly lane: Lane;
  /** When the engine began with it; undefined while it is only prepared. */
  startedAt: number | undefined;
  /** It ran for longer than it may. */
  hung: boolean;
  cancelTimeout: (() => void) | undefined;
}

export interface EnginePasses {
  /** Passes that the engine has. */
  readonly size: number;
  readonly jobs: Job[];
  /** As composing asks for it. */
  readonly occupancy: Occupancy;
  hand(loaded: LoadedEngine, jobs: readonly Job[]): void;
}

export interface EnginePassesOptions {
  bus: Bus;
  passTimeoutMs: number;
  onStarted(pass: Pass): void;
  onOutcomes(pass: Pass, outcomes: PassOutcomes, engine: EngineDescription): void;
  onFailed(pass: Pass, error: unknown): void;
  onDied(pass: Pass, death: EngineDied): void;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
  log: Log;
}

export function createEnginePasses(options: EnginePassesOptions): EnginePasses {
  const { bus, passTimeoutMs, onStarted, onOutcomes, onFailed, onDied, metrics, clock, log } = options;
  let passes: Pass[] = [];

  function started(pass: Pass, at: number, kill: () => void): void {
    const { jobs } = pass;
    pass.startedAt = at;
    pass.cancelTimeout = clock.schedule(clock.now() + passTimeoutMs, () => {
      pass.hung = true;
      log.error({ size: jobs.length, seconds: passTimeoutMs / 1_000 }, "a pass hangs; killing its engine");
      kill();
    });
    metrics?.passStarted(
      jobs.map(({ lane, publishedAt }) => ({ lane, seconds: Math.max(0, at - publishedAt) / 1_000 })),
    );
    onStarted(pass);
    tellProgress(jobs, at);
  }

  function tellProgress(jobs: readonly Job[], at: number): void {
    const progress = JSON.stringify({ state: "running", at });
    const items = new Set(jobs.map(({ address }) => subjects.progress(address.batchId, address.itemId)));
    try {
      for (const subject of items) bus.publish(subject, progress);
    } catch {
      // NATS is away, and progress is worth nothing once it is late.
    }
  }

  function leave(pass: Pass): void {
    pass.cancelTimeout?.();
    passes = passes.filter((other) => other !== pass);
  }

  return {
    get size() {
      return passes.length;
    },
    get jobs() {
      return passes.flatMap(({ jobs }) => jobs);
    },
    get occupancy() {
      if (passes.length === 0) return "idle";
      const prepared = passes.filter(({ startedAt }) => startedAt === undefined);
      const lane = lanes.find((each) => prepared.some((pass) => pass.lane === each));
      return passes.length === 1 || lane === undefined ? "busy" : { prepared: lane };
    },
    hand({ engine, description }, jobs) {
      const lane = lanes.find((each) => jobs.some((job) => job.lane === each)) ?? "batch";
      const pass: Pass = { jobs, lane, startedAt: undefined, hung: false, cancelTimeout: undefined };
      passes.push(pass);
      const running = runWholePass(engine, {
        jobs: jobs.map(({ engineJob }) => engineJob),
        urgency: lanes.indexOf(lane),
        onStarted: (at) => started(pass, at, () => void engine.kill()),
      });
      running.then(
        (outcomes) => {
          leave(pass);
          const ms = outcomes.finishedAt - outcomes.startedAt;
          metrics?.passEnded(jobs.length, ms / 1_000);
          log.debug({ size: jobs.length, lane, ms }, "pass");
          onOutcomes(pass, outcomes, description);
        },
        (error) => {
          leave(pass);
          if (error instanceof EngineDied) onDied(pass, error);
          else onFailed(pass, error);
        },
      );
    },
  };
}
