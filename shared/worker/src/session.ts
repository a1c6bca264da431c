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
import { type Clock, type Lease, shouldYield, type YieldReason } from "@parlance/gpu-lease";
import {
  type Engine,
  EngineDied,
  type EngineOutcome,
  type Json,
  type PassOutcomes,
  startEngine,
} from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import { afterDeath, afterFailure, budgetAfter, type DeathCause, type Verdict } from "./blame.ts";
import { composePass } from "./compose-pass.ts";
import { type EngineDescription, readDescription } from "./engine-description.ts";
import type { HeldJobs } from "./held-jobs.ts";
import type { Job } from "./job.ts";
import type { Settlement } from "./settle.ts";
import type { WorkerMetrics } from "./worker-metrics.ts";

export interface PassInfo {
  size: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  finishedAt: number;
  engine: EngineDescription;
}

/** A row that came out well, as the payload of its result. */
export type ToResult = (
  job: Job,
  outcome: { meta: Json; payload?: Uint8Array },
  pass: PassInfo,
) => object | Promise<object>;

export interface SessionSettings {
  maxBatchSize: number;
  batchWaitMs: number;
  /** 0: never. */
  idleMs: number;
  passTimeoutMs: number;
  /** How long another family with work of the same urgency waits. */
  quantumMs: number;
}

export type SessionEnd = YieldReason | "idle-timeout" | "lost" | "stopped" | "load-failed" | "engine-gone";

export interface SessionOptions {
  bus: Bus;
  lease: Lease;
  held: HeldJobs;
  settlement: Settlement;
  engine: { entry: URL; options: Json };
  settings: SessionSettings;
  toResult: ToResult;
  isCancelled(batchId: string): boolean;
  /** Room came for more jobs. */
  onRoom(): void;
  /** Work that goes on whatever becomes of the session: results on their way. */
  track(work: Promise<unknown>): void;
  onPass(size: number): void;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
  log: Log;
}

export interface Session {
  readonly description: EngineDescription | undefined;
  readonly enginePid: number | undefined;
  /** Something changed: jobs came, somebody waits for the lease. */
  poke(): void;
  extend(deadline: number): void;
  /** Hands nothing over any more; resolves when the running pass has ended. */
  drain(): Promise<void>;
  /** Kills the engine, puts its jobs back. */
  end(reason: SessionEnd): Promise<void>;
  /** When the engine is gone. */
  readonly ended: Promise<SessionEnd>;
}

interface Pass {
  jobs: Job[];
  lane: Lane;
  startedAt: number | undefined;
  hung: boolean;
  cancelTimeout: (() => void) | undefined;
}

export function startSession(options: SessionOptions): Session {
  const { bus, lease, held, settlement, settings, metrics, clock, log } = options;
  const began = clock.now();
  const ended = Promise.withResolvers<SessionEnd>();
  let engine: Engine | undefined;
  let description: EngineDescription | undefined;
  let swapMs = 0;
  let inEngine: Pass[] = [];
  let again: Job[][] = [];
  let passes = 0;
  let passedOver = 0;
  let budgetBytes = Number.POSITIVE_INFINITY;
  let ending: SessionEnd | undefined;
  let draining: (() => void) | undefined;
  let cancelWait: (() => void) | undefined;
  let cancelIdle: (() => void) | undefined;

  async function load(): Promise<void> {
    description = undefined;
    const from = clock.now();
    const starting = startEngine({
      ...options.engine,
      deadline: lease.deadline() ?? clock.now(),
      log: (message, fields) => log.info(fields, message),
    });
    engine = starting;
    metrics?.engineStarted();
    try {
      description = readDescription(await starting.loaded);
    } catch (error) {
      // A session that is being ended killed it.
      if (ending !== undefined) return;
      log.error(
        { err: error, engineLog: error instanceof EngineDied ? error.exit.stderr : undefined },
        loadFailure(error),
      );
      void end("load-failed");
      return;
    }
    swapMs = clock.now() - from;
    metrics?.swapped(swapMs / 1_000);
    tellLoaded(starting.pid, description, swapMs / 1_000);
    void starting.exited.then(() => {
      if (ending === undefined && engine === starting) void recover(starting);
    });
    advance();
  }

  /** The engine died under us. What it ran has been judged by then, or is about to be: `run` rejects in the same moment. */
  async function recover(dead: Engine): Promise<void> {
    const exit = await dead.exited;
    description = undefined;
    await Promise.resolve();
    const hasWork = held.waiting.length > 0 || again.length > 0 || inEngine.length > 0;
    log.warn({ signal: exit.signal, code: exit.code, deadline: exit.deadline, engineLog: exit.stderr }, "engine died");
    // The lease is about to be lost, which ends the session.
    if (!lease.held) return;
    if (hasWork) await load();
    else await end("engine-gone");
  }

  function tellLoaded(enginePid: number, model: EngineDescription, totalSeconds: number): void {
    const fields = { ...model, totalSeconds, workerPid: process.pid, enginePid };
    const seconds = (value: number) => `${value.toFixed(3)} s`;
    log.info(
      fields,
      `model loaded: ${model.name} on ${model.device} (${model.computeType}), load ${seconds(model.loadSeconds)}, ` +
        `warm-up ${seconds(model.warmUpSeconds)}, total ${seconds(totalSeconds)}, worker pid ${process.pid}`,
    );
  }

  function ownLanes(): Lane[] {
    const own = [...held.waiting, ...again.flat(), ...inEngine.flatMap(({ jobs }) => jobs)];
    return lanes.filter((lane) => own.some((job) => job.lane === lane));
  }

  /** Whose turn it is. */
  function yieldReason(): YieldReason | undefined {
    const [waiter] = lease
      .waiting()
      .map(({ wanted }) => wanted)
      .sort((a, b) => lanes.indexOf(a.lane) - lanes.indexOf(b.lane));
    if (waiter === undefined) return undefined;
    return shouldYield({
      ownLanes: ownLanes(),
      waiter: { lane: waiter.lane, waitingMs: Date.now() - waiter.since },
      heldMs: clock.now() - began,
      passes,
      quantumMs: settings.quantumMs,
      swapMs,
    });
  }

  /** Decides what is next. Called whenever anything changed. */
  function advance(betweenPasses = inEngine.length === 0): void {
    cancelWait?.();
    cancelIdle?.();
    if (ending !== undefined || engine === undefined || description === undefined) return;
    if (draining !== undefined) {
      if (betweenPasses) draining();
      return;
    }
    const reason = yieldReason();
    if (reason !== undefined) {
      // A pass that is running is always let finish; one that is only prepared waits here again.
      if (betweenPasses) void end(reason);
      return;
    }
    while (handNext(engine, description));
    if (inEngine.length === 0 && held.waiting.length === 0 && again.length === 0 && settings.idleMs > 0) {
      cancelIdle = clock.schedule(clock.now() + settings.idleMs, () => void end("idle-timeout"));
    }
  }

  /** True when a pass was handed to the engine. */
  function handNext(to: Engine, model: EngineDescription): boolean {
    const prepared = inEngine.filter(({ startedAt }) => startedAt === undefined);
    if (inEngine.length === 0 && again.length > 0 && held.waitingIn("realtime").length === 0) {
      const jobs = again.shift()?.filter(wanted) ?? [];
      if (jobs.length > 0) hand(to, model, jobs);
      return true;
    }
    if (inEngine.length > 2) return false;
    const nextLane = lanes.find((lane) => prepared.some((pass) => pass.lane === lane));
    const composed = composePass({
      waiting: held.waiting,
      now: clock.now(),
      maxSize: settings.maxBatchSize,
      waitMs: settings.batchWaitMs,
      budgetBytes,
      passedOver,
      engine: inEngine.length === 0 ? "idle" : inEngine.length === 1 || !nextLane ? "busy" : { prepared: nextLane },
    });
    if (composed === undefined) return false;
    if ("waitUntil" in composed) {
      cancelWait = clock.schedule(composed.waitUntil, advance);
      return false;
    }
    held.take(composed.run);
    const leavesBatch = held.waitingIn("batch").length > 0 && !composed.run.some(({ lane }) => lane === "batch");
    passedOver = leavesBatch ? passedOver + 1 : 0;
    hand(to, model, composed.run);
    options.onRoom();
    return true;
  }

  function wanted(job: Job): boolean {
    if (!options.isCancelled(job.batchId)) return true;
    held.drop(job);
    options.track(settlement.forget(job.delivery));
    return false;
  }

  function hand(to: Engine, model: EngineDescription, jobs: Job[]): void {
    const lane = lanes.find((each) => jobs.some((job) => job.lane === each)) ?? "batch";
    const pass: Pass = { jobs, lane, startedAt: undefined, hung: false, cancelTimeout: undefined };
    inEngine.push(pass);
    to.run({
      jobs: jobs.map(({ engineJob }) => engineJob),
      urgency: lanes.indexOf(lane),
      onStarted: (at) => started(to, pass, at),
    }).then(
      (outcomes) => finished(pass, model, outcomes),
      (error) => failed(pass, error),
    );
  }

  function started(to: Engine, pass: Pass, at: number): void {
    pass.startedAt = at;
    pass.cancelTimeout = clock.schedule(clock.now() + settings.passTimeoutMs, () => {
      pass.hung = true;
      log.error(
        { size: pass.jobs.length, seconds: settings.passTimeoutMs / 1_000 },
        "a pass hangs; killing its engine",
      );
      void to.kill();
    });
    metrics?.passStarted(
      pass.jobs.map(({ lane, publishedAt }) => ({ lane, seconds: Math.max(0, at - publishedAt) / 1_000 })),
    );
    const progress = JSON.stringify({ state: "running", at });
    const items = new Set(pass.jobs.map(({ address }) => subjects.progress(address.batchId, address.itemId)));
    for (const subject of items) tell(subject, progress);
  }

  function tell(subject: string, text: string): void {
    try {
      bus.publish(subject, text);
    } catch {
      // Progress is worth nothing once it is late.
    }
  }

  function leave(pass: Pass): void {
    pass.cancelTimeout?.();
    inEngine = inEngine.filter((other) => other !== pass);
  }

  function finished(pass: Pass, model: EngineDescription, { outcomes, startedAt, finishedAt }: PassOutcomes): void {
    leave(pass);
    passes += 1;
    options.onPass(pass.jobs.length);
    metrics?.passEnded(pass.jobs.length, (finishedAt - startedAt) / 1_000);
    log.debug({ size: pass.jobs.length, lane: pass.lane, ms: finishedAt - startedAt }, "pass");
    // First the engine's next work, then this one's results.
    advance(true);
    const info: PassInfo = { size: pass.jobs.length, startedAt, finishedAt, engine: model };
    for (const [row, job] of pass.jobs.entries()) {
      const outcome = outcomes[row] ?? { ok: false, failure: new SpeechError("engine_failed").toFailure() };
      options.track(settle(job, outcome, info));
    }
  }

  async function settle(job: Job, outcome: EngineOutcome, info: PassInfo): Promise<void> {
    if (outcome.ok) {
      try {
        await settlement.result(job, await options.toResult(job, outcome, info));
        metrics?.segments("ok");
      } catch (error) {
        log.error({ err: error, subject: job.delivery.subject }, "an engine's outcome makes no result");
        await settlement.failure(job, new SpeechError("engine_failed").toFailure(), info.startedAt);
      }
    } else {
      await settlement.failure(job, outcome.failure, info.startedAt);
      metrics?.segments("failed");
    }
    held.drop(job);
    options.onRoom();
  }

  function failed(pass: Pass, error: unknown): void {
    leave(pass);
    if (error instanceof EngineDied) {
      const { exit } = error;
      const ours = exit.killed && !pass.hung;
      if (ours || exit.deadline || !error.running) {
        held.putBack(pass.jobs);
      } else {
        const cause: DeathCause = pass.hung ? "hung" : exit.signal === "SIGKILL" ? "killed" : "crash";
        metrics?.engineDied(cause);
        log.warn({ cause, size: pass.jobs.length }, "the engine died under a pass; its jobs run again, each alone");
        judge(afterDeath(pass.jobs, cause));
      }
      return;
    }
    const failure: Failure =
      error instanceof SpeechError ? error.toFailure() : new SpeechError("engine_failed").toFailure();
    log.warn({ ...failure, size: pass.jobs.length }, "a pass failed");
    if (failure.code === "engine_out_of_memory" && pass.jobs.length > 1) {
      budgetBytes = Math.min(budgetBytes, budgetAfter(pass.jobs));
    }
    judge(afterFailure(pass.jobs, failure));
    advance(true);
  }

  function judge(verdict: Verdict<Job>): void {
    again.push(...verdict.again);
    for (const { job, failure, deadLetter } of verdict.failed) {
      metrics?.segments(deadLetter ? "dead" : "failed");
      const settling = deadLetter ? settlement.dead(job.delivery, failure, job) : settlement.failure(job, failure);
      options.track(settling.then(() => held.drop(job)));
    }
  }

  async function end(reason: SessionEnd): Promise<void> {
    if (ending !== undefined) return;
    ending = reason;
    cancelWait?.();
    cancelIdle?.();
    await engine?.kill();
    // The passes' rejections come first: they put their jobs back.
    await new Promise((resolve) => setImmediate(resolve));
    held.putBack(again.flat());
    again = [];
    draining?.();
    ended.resolve(reason);
  }

  void load();

  return {
    get description() {
      return description;
    },
    get enginePid() {
      return ending === undefined ? engine?.pid : undefined;
    },
    poke: () => advance(),
    extend: (deadline) => engine?.extend(deadline),
    drain() {
      const drained = Promise.withResolvers<void>();
      draining = drained.resolve;
      if (inEngine.length === 0) drained.resolve();
      return drained.promise;
    },
    end,
    ended: ended.promise,
  };
}

function loadFailure(error: unknown): string {
  return `the model could not be loaded: ${error instanceof Error ? error.message : String(error)}`;
}
