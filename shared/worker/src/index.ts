export { leaseSettings, yieldSettings } from "@parlance/gpu-lease";
export { asItIs, type Job, type JobContent, type ToEngineJob } from "./lanes/job.ts";
export type { Abilities, ModelSource, ReadyModel } from "./model/model-choice.ts";
export type { PassInfo, ToResult } from "./results/settle-pass.ts";
export {
  type SetUpOptions,
  setUpWorker,
  type WorkerService,
  type WorkerServiceOptions,
  type WorkerSetUp,
  workerSettings,
} from "./set-up.ts";
export type { EngineDescription } from "./tenure/engine-description.ts";
export type { TenureEnd, TenureSettings } from "./tenure/tenure-state.ts";
export { createWorker } from "./worker.ts";
export { createWorkerMetrics, type WorkerMetrics } from "./worker-metrics.ts";
export type { Worker, WorkerOptions } from "./worker-options.ts";
