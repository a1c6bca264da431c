/**
 * The supervisor that every worker is made of. It speaks NATS and holds the lease; the model lives in an engine process
 * that it starts and kills, so it stays small, is never blocked by inference, and unloading gives everything back.
 *
 * It promises that a job is acknowledged only after its result is stored, that a job which cannot be run ends as a failed
 * result and a dead letter and not as a crash loop, and that its engine is dead whenever it does not hold the lease. All
 * its state is what it holds at the moment: whatever dies, NATS delivers the jobs again.
 *
 *   alarm     nobody of this family has the lease: one job of each lane is pulled to notice that there is work
 *   work      the lease is held: lanes are kept filled, a session (session.ts) runs passes
 *   standby   another worker of this family has the lease: nothing is pulled, it serves the lanes
 */
import type { Bus } from "@parlance/bus";
import {
  type Family,
  type Lane,
  lanes,
  type ModelPhase,
  type ModelState,
  modelSubjects,
  type Operation,
  SpeechError,
  subjects,
  type WorkerState,
} from "@parlance/contracts";
import { type Clock, createLease, createSwapCredit, type Lease, monotonicClock } from "@parlance/gpu-lease";
import type { Log } from "@parlance/telemetry";
import { readAckWait } from "./ack-wait.ts";
import { createAdmission } from "./admit.ts";
import { followCancelled } from "./cancelled-batches.ts";
import type { EngineDescription } from "./engine-description.ts";
import type { EngineOptionsSource } from "./engine-slot.ts";
import { createHeldJobs } from "./held-jobs.ts";
import { asItIs, type ToEngineJob } from "./job.ts";
import { createLoadWishes } from "./load-wishes.ts";
import { type Abilities, createModelChoice, type ModelSource } from "./model-choice.ts";
import { describeModel, loadFailure } from "./model-state.ts";
import { backoffAfter, sleep, within } from "./patience.ts";
import { type LanePulls, pullLanes } from "./pull-lanes.ts";
import { serveModels } from "./serve-models.ts";
import { type Session, type SessionEnd, type SessionSettings, startSession, type Turns } from "./session.ts";
import { createSettlement } from "./settle.ts";
import { createPassSettlement, type ToResult } from "./settle-pass.ts";
import { createSwapLog } from "./swap-log.ts";
import type { WorkerMetrics } from "./worker-metrics.ts";

export interface WorkerOptions {
  bus: Bus;
  /** Its name in dead letters, and the NATS user's: `transcribe-worker`. */
  service: string;
  /** Unique among all workers. */
  id: string;
  operations: readonly Operation[];
  family: Family;
  model: string;
  /** What may be asked of the model, known before it is loaded: told with the worker's state. */
  abilities?: Abilities | undefined;
  /** Where the model comes from, and which others there are. Default: it is ready, and there are none. */
  models?: ModelSource;
  lease: { device: string; ttlMs: number; host: string };
  /** A module that calls `runEngine`, and what its `load` is given. */
  engine: { entry: URL; options: EngineOptionsSource };
  settings: SessionSettings & { maxDeliveries: number };
  /** Throws when the message makes no sense. Default: headers and payload as they are. */
  toJob?: ToEngineJob;
  toResult: ToResult;
  metrics?: WorkerMetrics;
  clock?: Clock;
  log: Log;
}

export interface Worker {
  state(): WorkerState;
  /** Finishes or gives back what it holds within a few seconds, kills the engine, releases the lease. */
  close(): Promise<void>;
}

/** A running pass and results on their way may take this long when the worker is asked to stop. */
const DRAIN_MS = 4_000;
const GOODBYE_MS = 2_000;
/** How long a worker that yielded leaves a free lease to those it yielded to. */
const POLITE_MS = 1_000;

/** Ends of a session after which another family's turn has come. */
const yielded: ReadonlySet<SessionEnd> = new Set(["idle", "urgency", "quantum", "patience"]);

export async function createWorker(options: WorkerOptions): Promise<Worker> {
  const { bus, service, operations, settings, toJob = asItIs, metrics, clock = monotonicClock, log } = options;
  const closing = new AbortController();
  /** Results may still be on their way when the rest has ended. */
  const giveUp = new AbortController();
  const held = createHeldJobs(clock, await readAckWait(bus, operations));
  const settlement = createSettlement({ bus, service, log, signal: giveUp.signal });
  const inFlight = new Set<Promise<unknown>>();
  const turns: Turns = {
    credit: createSwapCredit(settings.urgentShare),
    swaps: createSwapLog(),
    passedOver: 0,
    passMs: 0,
  };
  let session: Session | undefined;
  let acquiring: AbortController | undefined;
  let lastDescription: EngineDescription | undefined;
  let wake: () => void = () => {};
  let passes = 0;
  let segments = 0;

  const wishes = createLoadWishes();
  /** Somebody waits for the model to be loaded: no time for a pause after a failure. */
  let hurry = new AbortController();
  const afterSession: (() => void)[] = [];
  const choice = createModelChoice(
    {
      name: options.model,
      folder: options.models?.folder,
      options: options.engine.options,
      maxBatchSize: settings.maxBatchSize,
      abilities: options.abilities,
    },
    options.models,
    (download) => {
      if (bus.connected) bus.publish(modelSubjects.progress(options.family), JSON.stringify(download));
    },
  );
  const holder = {
    id: options.id,
    family: options.family,
    model: options.model,
    host: options.lease.host,
    pid: process.pid,
  };

  const lease: Lease = await createLease({
    bus,
    device: options.lease.device,
    holder,
    ttlMs: options.lease.ttlMs,
    clock,
    log,
    onExtended: (deadline) => session?.extend(deadline),
    onChange: () => leaseChanged(),
    async onLost() {
      await session?.end("lost");
      held.giveBack();
    },
  });
  const settle = createPassSettlement({ held, settlement, toResult: options.toResult, track, metrics, log });
  const cancelled = followCancelled(bus, { onCancelled: forgetBatch, log, signal: closing.signal });
  const accept = createAdmission({
    held,
    settlement,
    toJob,
    maxDeliveries: settings.maxDeliveries,
    isOpen: () => mode() === "work" || mode() === "alarm",
    isCancelled: cancelled.has,
    onJob,
    track,
    metrics,
    clock,
  });
  const pulls: LanePulls = pullLanes({ bus, operations, room, accept, log });
  const serving = serve();
  bus.serve(subjects.workers, undefined, async (request) => request.respond(JSON.stringify(state())), closing.signal);
  serveModels({
    bus,
    family: options.family,
    signal: closing.signal,
    worker: {
      get standby() {
        return mode() === "standby";
      },
      get outdated() {
        return session !== undefined && !choice.ready;
      },
      state: modelState,
      list: async () => ({
        worker: options.id,
        selected: choice.selected,
        phase: phase(),
        models: (await options.models?.list()) ?? [],
      }),
      select: choice.select,
      forget: choice.forget,
      load,
      unload,
    },
  });
  await bus.flush();

  function mode(): "work" | "alarm" | "standby" | "closed" {
    if (closing.signal.aborted) return "closed";
    if (session !== undefined) return "work";
    const holder = lease.holder();
    return holder !== undefined && !holder.mine && holder.family === options.family ? "standby" : "alarm";
  }

  function room(lane: Lane): number {
    const here = held.waitingIn(lane).length;
    switch (mode()) {
      case "work":
        return choice.current.maxBatchSize - here;
      case "alarm":
        return here === 0 ? 1 : 0;
      default:
        return 0;
    }
  }

  function leaseChanged(): void {
    if (mode() === "standby") {
      acquiring?.abort();
      held.giveBack();
      pulls.withdraw();
    } else pulls.poke();
    session?.poke();
  }

  function onJob(): void {
    if (session !== undefined) session.poke();
    else if (acquiring !== undefined) lease.urge(...urgency());
    else wake();
  }

  function forgetBatch(batchId: string): void {
    for (const job of held.waiting.filter((each) => each.batchId === batchId)) settle.unwanted(job);
    pulls.poke();
  }

  function urgency(): [Lane, number] {
    const wished = wishes.since;
    const waits = (lane: Lane) => held.waitingIn(lane).length > 0 || (lane === "interactive" && wished !== undefined);
    const since = Math.min(Date.now(), wished ?? Date.now(), ...held.waiting.map(({ publishedAt }) => publishedAt));
    return [lanes.find(waits) ?? "batch", since];
  }

  async function load(): Promise<boolean> {
    if (session?.description !== undefined && !session.draining) return true;
    const wish = wishes.add();
    hurry.abort();
    hurry = new AbortController();
    if (session !== undefined && !session.draining) void grant(session);
    else if (acquiring !== undefined) lease.urge(...urgency());
    else wake();
    return await wish;
  }

  async function grant(running: Session): Promise<void> {
    if (await running.loaded) wishes.loaded();
    else wishes.failed(loadFailure(running.failure));
  }

  async function unload(): Promise<void> {
    choice.cancel(new SpeechError("cancelled", "The model was unloaded before it was ready."));
    const running = session;
    if (running === undefined) return;
    const left = new Promise<void>((resolve) => afterSession.push(resolve));
    await running.drain();
    await running.end("unloaded");
    await left;
  }

  /** One session after another, for as long as there is work. */
  async function serve(): Promise<void> {
    let politeUntil = 0;
    let backoffMs = 0;
    while (!closing.signal.aborted) {
      if (mode() === "standby") wishes.elsewhere();
      if ((held.waiting.length === 0 && wishes.since === undefined) || mode() === "standby") {
        pulls.poke();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      try {
        await choice.getReady(closing.signal);
        if (mode() === "standby") continue;
      } catch (error) {
        if (closing.signal.aborted) continue;
        const reason = error instanceof Error ? error.message : String(error);
        log.error({ err: error }, `the model is not ready to be loaded: ${reason}`);
        wishes.failed(error instanceof Error ? error : new Error(reason));
        backoffMs = backoffAfter(backoffMs);
        if (held.waiting.length > 0) await sleep(backoffMs, AbortSignal.any([closing.signal, hurry.signal]));
        continue;
      }
      holder.model = choice.current.name;
      acquiring = new AbortController();
      const signal = AbortSignal.any([acquiring.signal, closing.signal]);
      try {
        const [lane, since] = urgency();
        // A worker of this family may have yielded just now: whoever waits goes first.
        if (lease.waiting().length > 0) politeUntil = clock.now() + POLITE_MS;
        await lease.acquire({ lane, since, politeMs: Math.max(0, politeUntil - clock.now()), signal });
      } catch {
        continue;
      } finally {
        acquiring = undefined;
      }
      const running = startSession({
        bus,
        lease,
        held,
        settle,
        engine: { entry: options.engine.entry, options: choice.current.options },
        settings: { ...settings, maxBatchSize: choice.current.maxBatchSize },
        turns,
        isCancelled: cancelled.has,
        onRoom: () => pulls.poke(),
        onPass: (size) => {
          passes += 1;
          segments += size;
        },
        metrics,
        clock,
        log,
      });
      session = running;
      metrics?.leaseHeld(true);
      pulls.poke();
      void grant(running);
      const reason = await running.ended;
      lastDescription = running.description ?? lastDescription;
      session = undefined;
      metrics?.leaseHeld(false);
      pulls.withdraw();
      const unloadedAt = clock.now();
      if (reason !== "lost") await lease.release();
      const releaseSeconds = Math.round(clock.now() - unloadedAt) / 1_000;
      metrics?.unloaded(reason, running.killSeconds, releaseSeconds);
      log.info(
        { reason, passes, killSeconds: running.killSeconds, releaseSeconds },
        `engine unloaded: ${reason}, kill ${running.killSeconds.toFixed(3)} s, release ${releaseSeconds.toFixed(3)} s`,
      );
      politeUntil = yielded.has(reason) ? clock.now() + POLITE_MS : 0;
      for (const resolve of afterSession.splice(0)) resolve();
      backoffMs = reason === "load-failed" ? backoffAfter(backoffMs) : 0;
      if (wishes.since === undefined) await sleep(backoffMs, AbortSignal.any([closing.signal, hurry.signal]));
    }
  }

  function track(work: Promise<unknown>): void {
    inFlight.add(work);
    void work.finally(() => inFlight.delete(work));
  }

  function phase(): ModelPhase {
    if (session !== undefined) return session.draining ? "unloading" : session.description ? "loaded" : "loading";
    if (choice.gettingReady) return "downloading";
    return acquiring === undefined ? "unloaded" : "waiting";
  }

  function modelState(): ModelState {
    const totalSeconds = session?.description && turns.swaps.state.recent.at(-1)?.seconds;
    const { idleMs } = settings;
    return describeModel({
      state: state(),
      phase: phase(),
      choice,
      facts: options.models?.facts,
      idleMs,
      totalSeconds,
    });
  }

  function state(): WorkerState {
    const loaded = session?.description;
    const known = loaded ?? lastDescription;
    return {
      worker: options.id,
      family: options.family,
      model: choice.current.name,
      loaded: loaded !== undefined,
      device: known?.device ?? options.lease.device,
      computeType: known?.computeType ?? "auto",
      cuda: known?.cuda ?? options.lease.device.startsWith("cuda"),
      loadSeconds: loaded?.loadSeconds,
      warmUpSeconds: loaded?.warmUpSeconds,
      enginePid: session?.enginePid,
      passes,
      segments,
      swaps: turns.swaps.state,
      ...choice.current.abilities,
    };
  }

  return {
    state,
    async close() {
      closing.abort();
      wake();
      acquiring?.abort();
      pulls.withdraw();
      pulls.poke();
      held.giveBack();
      if (session !== undefined) await within(DRAIN_MS, session.drain());
      await session?.end("stopped");
      held.giveBack();
      await within(GOODBYE_MS, Promise.all([...inFlight]));
      await within(GOODBYE_MS, Promise.all([serving, pulls.close(), lease.close()]));
      giveUp.abort();
      held.close();
    },
  };
}
