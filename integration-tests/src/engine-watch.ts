/** Which engines are alive over time, from the process table and not from the lease's own word. */
import type { Pipeline } from "./pipeline.ts";
import { engineProcesses } from "./process-table.ts";

export interface EngineWatch {
  /** Most engines, and most families, alive at one moment. */
  readonly mostEngines: number;
  readonly mostFamilies: number;
  /** Whether an engine of the worker service was alive at the moment, in milliseconds since the epoch. */
  wasAlive(worker: string, at: number): boolean;
  stop(): void;
}

export function watchEngines(pipeline: Pipeline, everyMs = 20): EngineWatch {
  const { pid } = pipeline.processes();
  let mostEngines = 0;
  let mostFamilies = 0;
  /** What was alive from each moment on, in order. */
  const changes: { at: number; workers: string }[] = [];
  const timer = setInterval(() => {
    const alive = engineProcesses(pid).map(({ worker }) => worker);
    mostEngines = Math.max(mostEngines, alive.length);
    mostFamilies = Math.max(mostFamilies, new Set(alive).size);
    const workers = alive.sort().join(" ");
    if (workers !== changes.at(-1)?.workers) changes.push({ at: Date.now(), workers });
  }, everyMs);
  return {
    get mostEngines() {
      return mostEngines;
    },
    get mostFamilies() {
      return mostFamilies;
    },
    wasAlive(worker, at) {
      const { workers = "" } = changes.findLast((change) => change.at <= at) ?? {};
      return workers.split(" ").includes(worker);
    },
    stop: () => clearInterval(timer),
  };
}
