/** What a worker is made of, and what its service can do with it. */
import type { Bus } from "@parlance/bus";
import type { Family, Operation, WorkerState } from "@parlance/contracts";
import type { Clock } from "@parlance/gpu-lease";
import type { Memory } from "@parlance/inference/accelerators";
import type { Log } from "@parlance/telemetry";
import type { FetchPayload, ToEngineJob } from "./lanes/job.ts";
import type { ToEngineWindow } from "./lanes/window.ts";
import type { Abilities, EngineOptionsSource, ModelSource, ReadyModel } from "./model/ready-model.ts";
import type { ServedModel } from "./model/worker-models.ts";
import type { ToPart } from "./parts/parts.ts";
import type { SoundOf } from "./parts/sounds.ts";
import type { ToHeard } from "./results/answer-window.ts";
import type { ToResult } from "./results/settle-pass.ts";
import type { TenureSettings } from "./tenure/tenure-state.ts";
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
  /** Where the model has no weights of the compute type that is set. */
  fallback?: ReadyModel["fallback"];
  /** Bytes of its weights, where they are known. */
  weightBytes?: ReadyModel["weightBytes"];
  /** Where the model comes from, and which others there are. Default: it is ready, and there are none. */
  models?: ModelSource;
  /** Models beside that one, of which one is loaded at a time. The operations that are none of theirs are the first one's. */
  others?: readonly ServedModel[];
  /** Whose lease is asked for (its id), what it is called on its host, and what an engine needs to run on it. */
  accelerator: {
    id: string;
    device: string;
    environment?: Readonly<Record<string, string>>;
    /** Default: it does not tell. */
    memory?: () => Promise<Memory | undefined>;
    /** What an engine has of it. Default: what is free less since it was started. */
    takenBy?: ((pid: number) => Promise<number | undefined>) | undefined;
  };
  lease: { ttlMs: number; host: string };
  /** A module that calls `runEngine`, and what its `load` is given. */
  engine: { entry: URL; options: EngineOptionsSource };
  settings: Omit<TenureSettings, "hasSessions" | "models"> & { maxDeliveries: number };
  /** Throws when the message makes no sense. Default: headers and payload as they are. */
  toJob?: ToEngineJob;
  /** Default: a job has all that the engine needs. */
  fetchPayload?: FetchPayload | undefined;
  toResult: ToResult;
  /** Default: nothing is told of its jobs before they end. */
  toPart?: ToPart | undefined;
  /** How windows of live sessions look to its engine, and the engine's answers as theirs. Default: it takes none. */
  windows?: { toJob: ToEngineWindow; toHeard: ToHeard } | undefined;
  /** Of a worker whose jobs come out as sound: then that is told, and not the newest part. */
  soundOf?: SoundOf | undefined;
  metrics?: WorkerMetrics;
  clock?: Clock;
  log: Log;
}

export interface Worker {
  state(): WorkerState;
  /** Finishes or gives back what it holds within a few seconds, kills the engine, releases the lease. */
  close(): Promise<void>;
}
