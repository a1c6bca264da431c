/**
 * A worker as its service starts it: the accelerator, the model, the supervisor, and what is told of them. What differs from family to
 * family is the cast: the kind of its models, what is wished for, its engine, and how a job looks to both.
 */
import { connectService, natsSettings } from "@parlance/bus";
import { type Operation, readSettings, type SettingName } from "@parlance/contracts";
import type { EngineOptions } from "@parlance/inference/engine-options";
import { verifiedFiles } from "@parlance/model-store";
import type { Service } from "@parlance/telemetry";
import type { ModelKind, ModelWishes } from "./model/model-source.ts";
import { createServedModels } from "./model/served-models.ts";
import {
  type SetUpOptions,
  setUpWorker,
  type WorkerService,
  type WorkerServiceOptions,
  type workerSettings,
} from "./set-up.ts";
import { createWorker } from "./worker.ts";
import type { WorkerOptions } from "./worker-options.ts";

export interface WorkerCast
  extends Pick<WorkerOptions, "toJob" | "fetchPayload" | "toResult" | "toPart" | "windows" | "soundOf"> {
  /** Its name, and the NATS user's. */
  service: string;
  kind: ModelKind;
  wishes: Omit<ModelWishes, "modelId" | "operations">;
  /** What the settings ask for: names, hub ids or folders. */
  modelIds: readonly string[];
  /** As the setting says it, and that setting's name. */
  device: Pick<SetUpOptions, "device" | "deviceSetting">;
  /** What jobs it takes where its model does not say. */
  operations: readonly Operation[];
  /** A module that calls `runEngine`. */
  engineEntry: URL;
  /** What its load is told beside what every engine's is. */
  engineOptions?: Readonly<Record<string, string | number | undefined>>;
}

/** Throws a SpeechError when there is no such model, or a device was asked for that cannot be used. */
export async function startWorker(
  cast: WorkerCast,
  options: WorkerServiceOptions<(typeof workerSettings)[number]>,
): Promise<WorkerService> {
  const { bus, settings, log } = options;
  const { service, kind, wishes, toJob, fetchPayload, toResult, toPart, soundOf, windows } = cast;
  const setUp = await setUpWorker({ bus, settings, log, service, ...cast.device });
  const { accelerator, cuda, registry } = setUp;
  const { modelRoot, computeType, threads } = wishes;
  const engineOptions = (modelId: string) => (): EngineOptions => ({
    ...{ modelId, modelRoot, computeType, threads },
    device: accelerator.engine.device,
    verified: verifiedFiles(),
    ...cast.engineOptions,
  });
  const served = await createServedModels({
    ...{ kind, wishes, modelIds: cast.modelIds, operations: cast.operations, cuda, engineOptions, log },
  });
  const [{ model: initial, source: models }, ...others] = served;
  const operations = served.flatMap((each) => each.operations);
  const common = setUp.common(initial);
  const worker = await createWorker({
    ...{ ...common, operations, family: kind.family, models, others },
    ...{ toJob, fetchPayload, toResult, toPart, soundOf, windows },
    engine: { entry: options.engineEntry ?? cast.engineEntry, options: initial.options },
  });
  const configuration = {
    model_id: served.map(({ model }) => model.name).join(", "),
    operations,
    voices: served.flatMap(({ model }) => model.abilities?.voices?.map(({ id }) => id) ?? []),
    device: accelerator.name,
    accelerator: accelerator.id,
    compute_type: computeType,
    beam_size: wishes.beamSize,
    max_batch_size: initial.maxBatchSize,
    threads,
    idle_timeout: settings.IDLE_TIMEOUT,
    cache_dir: models.facts.cacheDir,
    cuda_version: cuda.version,
    cuda_devices: cuda.deviceCount,
    worker_pid: process.pid,
  };
  log.info({ ...configuration, model_folder: initial.folder, device_reason: accelerator.reason }, "configuration");
  const { hub } = wishes;
  const from = typeof hub === "object" && !models.ready ? `downloaded from ${hub.endpoint}` : "loaded";
  log.info(
    { worker: common.id },
    `${service} ready: ${configuration.model_id} on ${accelerator.name}, ${from} with the first job (worker pid ${process.pid})`,
  );
  return { ...worker, registry };
}

/** A worker as a service of a process. */
export function workerService<const Names extends readonly SettingName[]>(
  name: string,
  names: Names,
  create: (options: WorkerServiceOptions<Names[number]>) => Promise<WorkerService>,
): Service {
  return {
    name,
    async start({ environment, log, signal }) {
      const bus = await connectService(name, readSettings(natsSettings, environment), { log, signal });
      const worker = await create({ bus, settings: readSettings(names, environment), log });
      return {
        registry: worker.registry,
        async close() {
          await worker.close();
          await bus.close();
        },
      };
    },
  };
}
