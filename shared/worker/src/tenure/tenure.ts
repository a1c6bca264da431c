/**
 * The time from getting the lease to letting it go: an engine is loaded and runs pass after pass.
 *
 * The engine has at most one pass running and one prepared behind it, full, so that it never waits for its input; what is
 * not full stays here until the engine is idle, because it may still fill. A more urgent pass is handed over all the same
 * and overtakes the prepared one inside the engine. When the engine dies, the jobs of its running pass are put to the proof
 * (retrials.ts), all others simply wait again, and a new engine is loaded.
 *
 * It ends when there is nothing to do for `idleMs`, when another family's turn has come, or when it is told to. Only work moves
 * the moment of that: whoever else calls (each renewal of the lease does) finds the tenure idle since when it was.
 */
import type { Bus } from "@parlance/bus";
import {
  type Clock,
  type Lease,
  requestsAlone,
  shouldYield,
  type YieldQuestion,
  type YieldSettings,
} from "@parlance/gpu-lease";
import type { Log } from "@parlance/telemetry";
import { createRetrials } from "../blame/retrials.ts";
import type { UnfinishedRuns } from "../blame/unfinished-runs.ts";
import type { HeldJobs } from "../lanes/held-jobs.ts";
import type { Job } from "../lanes/job.ts";
import type { PassSettlement } from "../results/settle-pass.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import { composePass } from "./compose-pass.ts";
import type { EngineDescription } from "./engine-description.ts";
import { createEnginePasses } from "./engine-passes.ts";
import { createEngineSlot, type EngineSlotOptions, type LoadedEngine } from "./engine-slot.ts";
import type { Swap } from "./swap-log.ts";
import type { TenureEnd } from "./tenure-end.ts";
import { passTook, type Turns } from "./turns.ts";
import { yieldQuestion } from "./yielding.ts";

export interface TenureSettings extends YieldSettings {
  maxBatchSize: number;
  batchWaitMs: number;
  /** 0: never. */
  idleMs: number;
  passTimeoutMs: number;
}

export interface TenureOptions {
  bus: Bus;
  lease: Lease;
  held: HeldJobs;
  settle: PassSettlement;
  unfinished: UnfinishedRuns;
  engine: Pick<EngineSlotOptions, "entry" | "options" | "on" | "memory">;
  settings: TenureSettings;
  turns: Turns;
  isCancelled(batchId: string): boolean;
  /** Room came for more jobs. */
  onRoom(): void;
  onPass(size: number): void;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
  log: Log;
}

export interface Tenure {
  readonly description: EngineDescription | undefined;
  readonly enginePid: number | undefined;
  /** Whether the model came to be loaded at all; false when the tenure ended before. */
  readonly loaded: Promise<boolean>;
  /** Why it could not be loaded. */
  readonly failure: Error | undefined;
  /** Told to hand nothing over any more. */
  readonly draining: boolean;
  /** Something changed: jobs came, somebody waits for the lease. */
  poke(): void;
  extend(deadline: number): void;
  /** Hands nothing over any more; resolves when the running pass has ended. */
  drain(): Promise<void>;
  /** Kills the engine, puts its jobs back. */
  end(reason: TenureEnd): Promise<void>;
  /** When the engine is gone. */
  readonly ended: Promise<TenureEnd>;
  /** How long that took. */
  readonly killSeconds: number;
}

export function startTenure(options: TenureOptions): Tenure {
  const { bus, lease, held, settle, unfinished, settings, turns, metrics, clock, log } = options;
  /** When the model was loaded first. */
  let began: number | undefined;
  const loading = Promise.withResolvers<boolean>();
  const ended = Promise.withResolvers<TenureEnd>();
  const slot = createEngineSlot({ ...options.engine, lease, metrics, clock, log, onLoaded: loaded, onDied: recover });
  const retrials = createRetrials({ held, settle, metrics, log });
  const inEngine = createEnginePasses({
    bus,
    passTimeoutMs: settings.passTimeoutMs,
    onStarted: ({ jobs }) => unfinished.begun(jobs),
    onOutcomes({ jobs }, outcomes, engine) {
      unfinished.ended(jobs);
      passes += 1;
      passTook(turns, outcomes.finishedAt - outcomes.startedAt);
      options.onPass(jobs.length);
      // First the engine's next work, then this one's results.
      advance(true);
      settle.outcomes(jobs, outcomes, engine);
    },
    onFailed(pass, error) {
      unfinished.ended(pass.jobs);
      retrials.failed(pass, error);
      advance(true);
    },
    onDied(pass, death) {
      if (ending === "stopped") unfinished.stopped(pass.jobs);
      retrials.died(pass, death);
    },
    metrics,
    clock,
    log,
  });
  let passes = 0;
  let ending: TenureEnd | undefined;
  let killSeconds = 0;
  let draining: (() => void) | undefined;
  let cancelWait: (() => void) | undefined;
  let cancelIdle: (() => void) | undefined;
  /** Since when there is nothing to do; undefined: there is. */
  let idleSince: number | undefined;

  async function load(): Promise<void> {
    if (await slot.load()) advance();
    // Without the lease the tenure is about to be ended.
    else if (lease.held) await end("load-failed");
  }

  function loaded(swap: Swap): void {
    // An engine that died and came again is no swap.
    if (began !== undefined) return;
    began = clock.now();
    loading.resolve(true);
    turns.credit.loaded(slot.loadMs);
    turns.swaps.add(swap);
  }

  function recover(): void {
    if (ending !== undefined || !lease.held) return;
    void (held.waiting.length > 0 || retrials.size > 0 ? load() : end("engine-gone"));
  }

  /** Decides what is next. Called whenever anything changed. */
  function advance(betweenPasses = inEngine.size === 0): void {
    cancelWait?.();
    cancelIdle?.();
    const engine = slot.loaded;
    if (ending !== undefined || engine === undefined) return;
    if (draining !== undefined) {
      if (betweenPasses) draining();
      return;
    }
    const reason = shouldYield(question());
    if (reason !== undefined) {
      // A pass that is running is always let finish; one that is only prepared waits here again.
      if (betweenPasses) void end(reason);
      return;
    }
    retrials.singleOut();
    while (handNext(engine));
    const idle = inEngine.size === 0 && held.waiting.length === 0 && retrials.size === 0;
    idleSince = idle ? (idleSince ?? clock.now()) : undefined;
    if (idleSince !== undefined && settings.idleMs > 0) {
      cancelIdle = clock.schedule(idleSince + settings.idleMs, () => void end("idle-timeout"));
    }
  }

  function question(): YieldQuestion {
    return yieldQuestion({
      settings,
      lease,
      turns,
      jobs: [...held.waiting, ...retrials.jobs, ...inEngine.jobs],
      heldMs: began === undefined ? 0 : clock.now() - began,
      passes,
      swapMs: slot.loadMs,
    });
  }

  /** True when there may be more to hand over. */
  function handNext(engine: LoadedEngine): boolean {
    if (inEngine.size === 0 && retrials.size > 0 && held.waitingIn("realtime").length === 0) {
      const jobs = retrials.next().filter(isWanted);
      if (jobs.length > 0) inEngine.hand(engine, jobs);
      return true;
    }
    if (inEngine.size > 2) return false;
    const composed = composePass({
      ...settings,
      maxSize: settings.maxBatchSize,
      waitMs: settings.batchWaitMs,
      waiting: held.waiting,
      now: clock.now(),
      budgetBytes: retrials.budgetBytes,
      passedOver: turns.passedOver,
      requestsAlone: requestsAlone(question(), turns.passMs, turns.passedOver),
      engine: inEngine.occupancy,
    });
    if (composed === undefined) return false;
    if ("waitUntil" in composed) {
      cancelWait = clock.schedule(composed.waitUntil, advance);
      return false;
    }
    held.take(composed.run);
    const leavesBatch = held.waitingIn("batch").length > 0 && !composed.run.some(({ lane }) => lane === "batch");
    turns.passedOver = leavesBatch ? turns.passedOver + 1 : 0;
    inEngine.hand(engine, composed.run);
    options.onRoom();
    return true;
  }

  function isWanted(job: Job): boolean {
    if (!options.isCancelled(job.batchId)) return true;
    settle.unwanted(job);
    return false;
  }

  async function end(reason: TenureEnd): Promise<void> {
    if (ending !== undefined) return;
    ending = reason;
    if (began !== undefined) turns.credit.stayed(clock.now() - began);
    cancelWait?.();
    cancelIdle?.();
    const killedAt = clock.now();
    await slot.kill();
    killSeconds = Math.round(clock.now() - killedAt) / 1_000;
    // The passes' rejections come first: they put their jobs back.
    await new Promise((resolve) => setImmediate(resolve));
    retrials.putBack();
    draining?.();
    loading.resolve(false);
    ended.resolve(reason);
  }

  void load();

  return {
    get description() {
      return slot.loaded?.description;
    },
    get enginePid() {
      return slot.pid;
    },
    loaded: loading.promise,
    get failure() {
      return slot.failure;
    },
    get draining() {
      return draining !== undefined;
    },
    poke: () => advance(),
    extend: slot.extend,
    drain() {
      const drained = Promise.withResolvers<void>();
      draining = drained.resolve;
      if (inEngine.size === 0) drained.resolve();
      return drained.promise;
    },
    end,
    ended: ended.promise,
    get killSeconds() {
      return killSeconds;
    },
  };
}
