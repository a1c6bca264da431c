/**
 * The engine of a tenure, as a process: started, told about in the log, and killed. Each one that was asked for ends once, whether
 * it came to be started or not, and that is told after all that became of its passes.
 *
 * None is started before its turn. A spare one that waits without a model would save some 0.2 s of a swap, which are the start of
 * Node and its modules, and would be an engine too many to everybody who counts them.
 */
import type { Clock, Lease } from "@parlance/gpu-lease";
import { type Engine, EngineDied, endLeftEngines, startEngine } from "@parlance/inference/engine";
import type { Log } from "@parlance/telemetry";
import type { ModelMemory } from "../model/load-memory.ts";
import type { EngineOptionsSource } from "../model/ready-model.ts";
import type { WorkerMetrics } from "../worker-metrics.ts";
import type { WorkerOptions } from "../worker-options.ts";
import { type EngineDescription, readDescription } from "./engine-description.ts";
import { type Swap, swapOf } from "./swap-log.ts";

export interface EngineSlotOptions {
  entry: URL;
  /** Where it runs: an engine is shown nothing else, and may know it by another name. */
  on: WorkerOptions["accelerator"];
  lease: Pick<Lease, "id" | "held" | "deadline" | "predecessors">;
  onLoaded(engine: number, loaded: LoadedEngine, swap: Swap): void;
  onLoadFailed(engine: number, error: Error): void;
  onExited(engine: number): void;
  metrics: WorkerMetrics | undefined;
  clock: Clock;
  log: Log;
}

export interface LoadedEngine {
  engine: Engine;
  description: EngineDescription;
  loadMs: number;
}

/** What is loaded. */
export interface Load {
  options: EngineOptionsSource;
  memory: ModelMemory;
}

export interface EngineSlot {
  /** While a model is loaded. */
  readonly loaded: LoadedEngine | undefined;
  readonly pid: number | undefined;
  load(engine: number, load: Load): void;
  /** Whether it was started or not. */
  kill(engine: number): void;
  extend(deadline: number): void;
}

interface Current {
  number: number;
  killed: boolean;
  process: Engine | undefined;
  loaded: LoadedEngine | undefined;
}

/** Memory of a killed engine comes back within a second. */
const LEFT_TIMEOUT_MS = 5_000;

export function createEngineSlot(slot: EngineSlotOptions): EngineSlot {
  const { entry, on, lease, metrics, clock, log } = slot;
  let current: Current | undefined;

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

  /** Undefined when it is not to be started any more. Throws a SpeechError where there is no memory for it. */
  async function start(own: Current, { options, memory }: Load): Promise<Engine | undefined> {
    const left = await endLeftEngines(lease.predecessors(), LEFT_TIMEOUT_MS);
    if (left.length > 0) log.warn({ pids: left }, "engines of a holder before this one cannot be ended");
    const short = await memory.shortage();
    const deadline = lease.deadline();
    // Without the lease it is about to be killed.
    if (own.killed || !lease.held || deadline === undefined) return undefined;
    if (short !== undefined) throw short;
    const starting = startEngine({
      entry,
      options: typeof options === "function" ? options() : options,
      deadline,
      holder: lease.id,
      ...(on.environment && { environment: on.environment }),
      log: (message, fields) => log.info(fields, message),
    });
    own.process = starting;
    void awaitEnd(own, starting);
    metrics?.engineStarted();
    return starting;
  }

  async function awaitEnd(own: Current, ending: Engine): Promise<void> {
    const { signal, code, deadline, stderr } = await ending.exited;
    // After all that became of its passes, which is told in this same turn.
    await new Promise((resolve) => setImmediate(resolve));
    const died = !own.killed && own.loaded !== undefined;
    own.loaded = undefined;
    if (died) log.warn({ signal, code, deadline, engineLog: stderr }, "engine died");
    end(own);
  }

  function end(own: Current): void {
    if (current !== own) return;
    current = undefined;
    slot.onExited(own.number);
  }

  async function load(own: Current, what: Load): Promise<void> {
    try {
      const starting = await start(own, what);
      if (starting !== undefined) await finish(own, starting, what.memory);
    } catch (error) {
      // Whoever kills it knows why it did not load.
      if (own.killed) return;
      const failure = error instanceof Error ? error : new Error(String(error));
      if (own.process !== undefined) {
        what.memory.failed(failure);
        const engineLog = error instanceof EngineDied ? error.exit.stderr : undefined;
        log.error({ err: error, engineLog }, `the model could not be loaded: ${failure.message}`);
      }
      slot.onLoadFailed(own.number, failure);
    }
  }

  async function finish(own: Current, starting: Engine, memory: ModelMemory): Promise<void> {
    const from = clock.now();
    const description = readDescription(await starting.loaded);
    if (own.killed) return;
    memory.loaded(starting.pid);
    const loadMs = clock.now() - from;
    own.loaded = { engine: starting, description, loadMs };
    const swap = swapOf(loadMs, description, Date.now());
    metrics?.swapped(swap);
    slot.onLoaded(own.number, own.loaded, swap);
    tellLoaded(starting.pid, description, swap);
  }

  return {
    get loaded() {
      return current?.loaded;
    },
    get pid() {
      return current?.killed ? undefined : current?.process?.pid;
    },
    load(number, what) {
      current = { number, killed: false, process: undefined, loaded: undefined };
      void load(current, what);
    },
    kill(number) {
      if (current?.number !== number) return;
      current.killed = true;
      if (current.process === undefined) end(current);
      else void current.process.kill();
    },
    extend: (deadline) => current?.process?.extend(deadline),
  };
}
