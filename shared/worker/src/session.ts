/**
 * The time from getting the lease to letting it go: an engine is loaded and runs pass after pass.
 *
 * The engine has at most one pass running and one prepared behind it, full, so that it never waits for its input; what is
 * not full stays here until the engine is idle, because it may still fill. A more urgent pass is handed over all the same
 * and overtakes the prepared one inside the engine. When the engine dies, the jobs of its running pass are put to the proof
 * (blame.ts), all others simply wait again, and a new engine is loaded.
 *
 * It ends when there is nothing to do for `idleMs`, when another family's turn has come, or when it is told to.
 */
import type { Bus } from "@parlance/bus";
import { type Failure, type Lane, lanes, SpeechError, subjects } from "@parlance/contracts";
import {
  type Clock,
  type Lease,
  requestsAlone,
  type SwapCredit,
  shouldYield,
  type YieldQuestion,
  type YieldReason,
  type YieldSettings,
} from "@parlance/gpu-lease";
import { EngineDied, type EngineExit } from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import { afterDeath, afterFailure, budgetAfter, type DeathCause, type Verdict } from "./blame.ts";
import { composePass } from "./compose-pass.ts";
import type { EngineDescription } from "./engine-description.ts";
import { createEngineSlot, type EngineOptionsSource, type EngineSlot } from "./engine-slot.ts";
import type { HeldJobs } from "./held-jobs.ts";
import type { Job } from "./job.ts";
import type { PassSettlement } from "./settle-pass.ts";
import type { Swap, SwapLog } from "./swap-log.ts";
import type { WorkerMetrics } from "./worker-metrics.ts";

export interface SessionSettings extends YieldSettings {
  maxBatchSize: number;
  batchWaitMs: number;
  /** 0: never. */
  idleMs: number;
  passTimeoutMs: number;
}

/** What one session leaves to the next. */
export interface Turns {
  credit: SwapCredit;
  swaps: SwapLog;
  /** Passes in a row that left batch work behind. */
  passedOver: number;
  /** What long passes take; fades as passes get shorter. */
  passMs: number;
}

export type SessionEnd = YieldReason | "idle-timeout" | "unloaded" | "lost" | "stopped" | "load-failed" | "engine-gone";

export interface SessionOptions {
  bus: Bus;
  lease: Lease;
  held: HeldJobs;
  settle: PassSettlement;
  engine: { entry: URL; options: EngineOptionsSource };
  settings: SessionSettings;
  turns: Turns;
  isCancelled(batchId: string): boolean;
  /** Room came for more jobs. */
  onRoom(): void;
  onPass(size: number): void;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
  log: Log;
}

export interface Session {
  readonly description: EngineDescription | undefined;
  readonly enginePid: number | undefined;
  /** Whether the model came to be loaded at all; false when the session ended before. */
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
  end(reason: SessionEnd): Promise<void>;
  /** When the engine is gone. */
  readonly ended: Promise<SessionEnd>;
  /** How long that took. */
  readonly killSeconds: number;
}

interface Pass {
  jobs: Job[];
  lane: Lane;
  startedAt: number | undefined;
  hung: boolean;
  cancelTimeout: (() => void) | undefined;
}

type Loaded = NonNullable<EngineSlot["loaded"]>;

const FADE = 0.8;

export function startSession(options: SessionOptions): Session {
  const { bus, lease, held, settle, settings, turns, metrics, clock, log } = options;
  /** When the model was loaded first. */
  let began: number | undefined;
  const loading = Promise.withResolvers<boolean>();
  const ended = Promise.withResolvers<SessionEnd>();
  const slot = createEngineSlot({ ...options.engine, lease, metrics, clock, log, onLoaded: loaded, onDied: recover });
  let inEngine: Pass[] = [];
  /** Groups that run as they are: halves of what did not fit, suspects alone. */
  let again: Job[][] = [];
  let passes = 0;
  let budgetBytes = Number.POSITIVE_INFINITY;
  let ending: SessionEnd | undefined;
  let killSeconds = 0;
  let draining: (() => void) | undefined;
  let cancelWait: (() => void) | undefined;
  let cancelIdle: (() => void) | undefined;

  async function load(): Promise<void> {
    if (await slot.load()) advance();
    else await end("load-failed");
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
    // Without the lease the session is about to be ended.
    if (ending !== undefined || !lease.held) return;
    void (held.waiting.length > 0 || again.length > 0 ? load() : end("engine-gone"));
  }

  function ownLanes(): Lane[] {
    const own = [...held.waiting, ...again.flat(), ...inEngine.flatMap(({ jobs }) => jobs)];
    return lanes.filter((lane) => own.some((job) => job.lane === lane));
  }

  /** What yielding is decided by. */
  function question(): YieldQuestion {
    const [waiter] = lease
      .waiting()
      .map(({ wanted }) => wanted)
      .sort((a, b) => lanes.indexOf(a.lane) - lanes.indexOf(b.lane));
    const heldMs = began === undefined ? 0 : clock.now() - began;
    return {
      ...settings,
      ownLanes: ownLanes(),
      waiter: waiter && { lane: waiter.lane, waitingMs: Date.now() - waiter.since },
      heldMs,
      passes,
      swapMs: slot.loadMs,
      creditMs: turns.credit.after(heldMs),
    };
  }

  /** Decides what is next. Called whenever anything changed. */
  function advance(betweenPasses = inEngine.length === 0): void {
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
    // A suspect whose proof was put off must not take others along.
    const suspects = held.waiting.filter(({ suspicion }) => suspicion > 0);
    held.take(suspects);
    again.push(...suspects.map((job) => [job]));
    while (handNext(engine));
    if (inEngine.length === 0 && held.waiting.length === 0 && again.length === 0 && settings.idleMs > 0) {
      cancelIdle = clock.schedule(clock.now() + settings.idleMs, () => void end("idle-timeout"));
    }
  }

  /** True when there may be more to hand over. */
  function handNext(loaded: Loaded): boolean {
    if (inEngine.length === 0 && again.length > 0 && held.waitingIn("realtime").length === 0) {
      const jobs = (again.shift() ?? []).filter(isWanted);
      if (jobs.length > 0) hand(loaded, jobs);
      return true;
    }
    if (inEngine.length > 2) return false;
    const prepared = inEngine.filter(({ startedAt }) => startedAt === undefined);
    const preparedLane = lanes.find((lane) => prepared.some((pass) => pass.lane === lane));
    const composed = composePass({
      ...settings,
      maxSize: settings.maxBatchSize,
      waitMs: settings.batchWaitMs,
      waiting: held.waiting,
      now: clock.now(),
      budgetBytes,
      passedOver: turns.passedOver,
      requestsAlone: requestsAlone(question(), turns.passMs, turns.passedOver),
      engine:
        inEngine.length === 0 ? "idle" : inEngine.length === 1 || !preparedLane ? "busy" : { prepared: preparedLane },
    });
    if (composed === undefined) return false;
    if ("waitUntil" in composed) {
      cancelWait = clock.schedule(composed.waitUntil, advance);
      return false;
    }
    held.take(composed.run);
    const leavesBatch = held.waitingIn("batch").length > 0 && !composed.run.some(({ lane }) => lane === "batch");
    turns.passedOver = leavesBatch ? turns.passedOver + 1 : 0;
    hand(loaded, composed.run);
    options.onRoom();
    return true;
  }

  function isWanted(job: Job): boolean {
    if (!options.isCancelled(job.batchId)) return true;
    settle.unwanted(job);
    return false;
  }

  function hand({ engine, description }: Loaded, jobs: Job[]): void {
    const lane = lanes.find((each) => jobs.some((job) => job.lane === each)) ?? "batch";
    const pass: Pass = { jobs, lane, startedAt: undefined, hung: false, cancelTimeout: undefined };
    inEngine.push(pass);
    const running = engine.run({
      jobs: jobs.map(({ engineJob }) => engineJob),
      urgency: lanes.indexOf(lane),
      onStarted: (at) => started(pass, at, () => void engine.kill()),
    });
    running.then(
      (outcomes) => {
        leave(pass);
        passes += 1;
        turns.passMs = Math.max(FADE * turns.passMs, outcomes.finishedAt - outcomes.startedAt);
        options.onPass(jobs.length);
        metrics?.passEnded(jobs.length, (outcomes.finishedAt - outcomes.startedAt) / 1_000);
        log.debug({ size: jobs.length, lane, ms: outcomes.finishedAt - outcomes.startedAt }, "pass");
        // First the engine's next work, then this one's results.
        advance(true);
        settle.outcomes(jobs, outcomes, description);
      },
      (error) => {
        leave(pass);
        if (error instanceof EngineDied) buried(pass, error.exit, error.running);
        else failed(pass, error);
      },
    );
  }

  function started(pass: Pass, at: number, kill: () => void): void {
    const { jobs } = pass;
    pass.startedAt = at;
    pass.cancelTimeout = clock.schedule(clock.now() + settings.passTimeoutMs, () => {
      pass.hung = true;
      log.error({ size: jobs.length, seconds: settings.passTimeoutMs / 1_000 }, "a pass hangs; killing its engine");
      kill();
    });
    metrics?.passStarted(
      jobs.map(({ lane, publishedAt }) => ({ lane, seconds: Math.max(0, at - publishedAt) / 1_000 })),
    );
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
    inEngine = inEngine.filter((other) => other !== pass);
  }

  /** The engine died with the pass. */
  function buried({ jobs, hung }: Pass, exit: EngineExit, running: boolean): void {
    const killedHere = exit.killed && !hung;
    if (killedHere || exit.deadline || !running) {
      held.putBack(jobs);
      return;
    }
    const cause: DeathCause = hung ? "hung" : exit.signal === "SIGKILL" ? "killed" : "crash";
    metrics?.engineDied(cause);
    log.warn({ cause, size: jobs.length }, "the engine died under a pass; its jobs run again, each alone");
    judge(afterDeath(jobs, cause));
  }

  /** The pass came to nothing, and the engine lives. */
  function failed({ jobs }: Pass, error: unknown): void {
    const failure: Failure =
      error instanceof SpeechError ? error.toFailure() : new SpeechError("engine_failed").toFailure();
    log.warn({ ...failure, size: jobs.length }, "a pass failed");
    if (failure.code === "engine_out_of_memory" && jobs.length > 1) {
      budgetBytes = Math.min(budgetBytes, budgetAfter(jobs));
    }
    judge(afterFailure(jobs, failure));
    advance(true);
  }

  function judge(verdict: Verdict<Job>): void {
    again.push(...verdict.again);
    settle.convicted(verdict);
  }

  async function end(reason: SessionEnd): Promise<void> {
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
    held.putBack(again.flat());
    again = [];
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
      if (inEngine.length === 0) drained.resolve();
      return drained.promise;
    },
    end,
    ended: ended.promise,
    get killSeconds() {
      return killSeconds;
    },
  };
}
