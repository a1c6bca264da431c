/**
 * The one engine that a tenure has at a time: loaded, told about in the log, killed, and loaded again when it died.
 *
 * None is started before its turn. A spare one that waits without a model would save some 0.2 s of a swap, which are the start of
 * Node and its modules, and would be an engine too many to everybody who counts them.
 */
import type { Clock, Lease } from "@parlance/gpu-lease";
import {
  type Engine,
  EngineDied,
  type EngineExit,
  endLeftEngines,
  type Json,
  startEngine,
} from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import type { ModelMemory } from "../model/load-memory.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import type { WorkerOptions } from "../worker-options.ts";
import { type EngineDescription, readDescription } from "./engine-description.ts";
import { type Swap, swapOf } from "./swap-log.ts";

/** What the engine's `load` is given, or how to get it anew for each loading. */
export type EngineOptionsSource = Json | (() => Json);

export interface EngineSlotOptions {
  entry: URL;
  options: EngineOptionsSource;
  /** Where it runs: an engine is shown nothing else, and may know it by another name. */
  on: WorkerOptions["accelerator"];
  memory: ModelMemory;
  lease: Lease;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
  log: Log;
  onLoaded(swap: Swap): void;
  /** A loaded engine ended, and nobody here had asked for it. Its passes were rejected before. */
  onDied(exit: EngineExit): void;
}

export interface LoadedEngine {
  engine: Engine;
  description: EngineDescription;
}

export interface EngineSlot {
  /** While a model is loaded. */
  readonly loaded: LoadedEngine | undefined;
  readonly pid: number | undefined;
  /** How long the newest loading took. */
  readonly loadMs: number;
  /** False when the model could not be loaded: the log says why, and `failure`; or the lease is not held any more. */
  load(): Promise<boolean>;
  readonly failure: Error | undefined;
  extend(deadline: number): void;
  /** For good: resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Memory of a killed engine comes back within a second. */
const LEFT_TIMEOUT_MS = 5_000;

export function createEngineSlot(slot: EngineSlotOptions): EngineSlot {
  const { entry, options, on, memory, lease, metrics, clock, log } = slot;
  let engine: Engine | undefined;
  let loaded: LoadedEngine | undefined;
  let loadMs = 0;
  let failure: Error | undefined;
  let closed = false;

  function tellLoaded(enginePid: number, model: EngineDescription, swap: Swap): void {
    const { name, computeType, cuda } = model;
    const { device } = on;
    const { at: _, seconds: totalSeconds, ...parts } = swap;
    const fields = { name, device, computeType, cuda, ...parts, totalSeconds, workerPid: process.pid, enginePid };
    const seconds = (value: number) => `${value.toFixed(3)} s`;
    log.info(
      fields,
      `model loaded: ${name} on ${device} (${computeType}), start ${seconds(parts.startSeconds)}, files ${seconds(parts.checkSeconds)}, ` +
        `load ${seconds(parts.loadSeconds)}, warm-up ${seconds(parts.warmUpSeconds)}, total ${seconds(totalSeconds)}, worker pid ${process.pid}`,
    );
  }

  async function died(dead: Engine): Promise<void> {
    const exit = await dead.exited;
    // After the rejections of its passes, which come in this same turn.
    await new Promise((resolve) => setImmediate(resolve));
    if (closed || engine !== dead) return;
    loaded = undefined;
    log.warn({ signal: exit.signal, code: exit.code, deadline: exit.deadline, engineLog: exit.stderr }, "engine died");
    slot.onDied(exit);
  }

  return {
    get loaded() {
      return loaded;
    },
    get pid() {
      return closed ? undefined : engine?.pid;
    },
    get loadMs() {
      return loadMs;
    },
    get failure() {
      return failure;
    },
    async load() {
      const left = await endLeftEngines(lease.predecessors(), LEFT_TIMEOUT_MS);
      if (left.length > 0) log.warn({ pids: left }, "engines of a holder before this one cannot be ended");
      const short = await memory.shortage();
      const deadline = lease.deadline();
      if (closed || !lease.held || deadline === undefined) return false;
      if (short !== undefined) {
        failure = short;
        return false;
      }
      const from = clock.now();
      const starting = startEngine({
        entry,
        options: typeof options === "function" ? options() : options,
        deadline,
        holder: lease.id,
        ...(on.environment && { environment: on.environment }),
        log: (message, fields) => log.info(fields, message),
      });
      engine = starting;
      metrics?.engineStarted();
      try {
        const description = readDescription(await starting.loaded);
        if (closed) return false;
        loaded = { engine: starting, description };
        memory.loaded(starting.pid);
        loadMs = clock.now() - from;
        const swap = swapOf(loadMs, description, Date.now());
        metrics?.swapped(swap);
        slot.onLoaded(swap);
        tellLoaded(starting.pid, description, swap);
        void died(starting);
        return true;
      } catch (error) {
        // Whoever kills it knows why it did not load.
        if (closed) return false;
        failure = error instanceof Error ? error : new Error(String(error));
        memory.failed(failure);
        const reason = failure.message;
        const engineLog = error instanceof EngineDied ? error.exit.stderr : undefined;
        log.error({ err: error, engineLog }, `the model could not be loaded: ${reason}`);
        return false;
      }
    },
    extend: (deadline) => engine?.extend(deadline),
    async kill() {
      closed = true;
      await engine?.kill();
      loaded = undefined;
    },
  };
}
