export { leaseSettings, yieldSettings } from "@parlance/gpu-lease";
export type { EngineDescription } from "./engine-description.ts";
export { asItIs, type Job, type JobContent, type ToEngineJob } from "./job.ts";
export type { Abilities, ModelSource, ReadyModel } from "./model-choice.ts";
export type { SessionSettings } from "./session.ts";
export type { SessionEnd } from "./session-end.ts";
export {
  type SetUpOptions,
  setUpWorker,
  type WorkerService,
  type WorkerServiceOptions,
  type WorkerSetUp,
  workerSettings,
} from "./set-up.ts";
export type { PassInfo, ToResult } from "./settle-pass.ts";
export { createWorker } from "./worker.ts";
export { createWorkerMetrics, type WorkerMetrics } from "./worker-metrics.ts";
export type { Worker, WorkerOptions } from "./worker-options.ts";
