/**
 * Which engines are alive over time, from the process table and not from the lease's own word.
 *
 * What counts on one device is memory. A zombie holds none; a process in exit holds its own until its last thread has ended; and an
 * engine that has just been started holds what any Node program does: it looks at its deadline before it loads a model.
 */
import type { Pipeline } from "./pipeline.ts";
import { engineProcesses, isEnding, memoryOf } from "./process-table.ts";

export interface EngineWatch {
  /** Most engines with memory of a model, and most families of such, at one moment. */
  readonly mostEngines: number;
  readonly mostFamilies: number;
  /** Most engine processes, those that have only just begun included. */
  readonly mostProcesses: number;
  /** What was seen when there was more than one. */
  readonly overlaps: readonly string[];
  /** Whether an engine of the worker service was alive at the moment, in milliseconds since the epoch. */
  wasAlive(worker: string, at: number): boolean;
  stop(): void;
}

/** More than Node and the engine's own modules have, less than with the smallest model. In MB of 10^6 bytes. */
const NODE_ALONE_MB = 90;

export function watchEngines(pipeline: Pipeline, everyMs = 20): EngineWatch {
  let mostEngines = 0;
  let mostFamilies = 0;
  let mostProcesses = 0;
  const overlaps: string[] = [];
  /** Those that had a model, until nothing is left of them. */
  const withModel = new Map<number, string>();
  /** What was alive from each moment on, in order. */
  const changes: { at: number; workers: string }[] = [];

  function look(): void {
    const alive = engineProcesses(pipeline);
    for (const { pid, worker } of alive) {
      if ((memoryOf(pid)?.resident ?? 0) > NODE_ALONE_MB) withModel.set(pid, worker);
    }
    for (const pid of withModel.keys()) {
      if (!alive.some((engine) => engine.pid === pid) && !isEnding(pid)) withModel.delete(pid);
    }
    mostEngines = Math.max(mostEngines, withModel.size);
    mostFamilies = Math.max(mostFamilies, new Set(withModel.values()).size);
    mostProcesses = Math.max(mostProcesses, alive.length);
    if (alive.length > 1) overlaps.push(describe(alive));
    const workers = alive
      .map(({ worker }) => worker)
      .sort()
      .join(" ");
    if (workers !== changes.at(-1)?.workers) changes.push({ at: Date.now(), workers });
  }

  function describe(alive: ReturnType<typeof engineProcesses>): string {
    const each = alive.map(({ pid, parent, worker }) => {
      const megabytes = Math.round(memoryOf(pid)?.resident ?? 0);
      return `${worker} ${pid} of ${parent} with ${megabytes} MB${withModel.has(pid) ? ", a model" : ""}`;
    });
    return `${new Date().toISOString()}: ${each.join("; ")}`;
  }

  const timer = setInterval(look, everyMs);
  return {
    get mostEngines() {
      return mostEngines;
    },
    get mostFamilies() {
      return mostFamilies;
    },
    get mostProcesses() {
      return mostProcesses;
    },
    overlaps,
    wasAlive(worker, at) {
      const { workers = "" } = changes.findLast((change) => change.at <= at) ?? {};
      return workers.split(" ").includes(worker);
    },
    stop: () => clearInterval(timer),
  };
}
