/**
 * The transcribe worker: segments in, results out. Everything that it does is the supervisor's (shared/worker); here is
 * what makes it one of speech recognition: its settings, its engine, and how a segment looks to both.
 *
 * Any number of them may run. Those on one device share its lease: one works, the others stand by.
 */
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { type SettingName, SpeechError } from "@parlance/contracts";
import { verifiedFiles } from "@parlance/model-store";
import {
  createWorker,
  setUpWorker,
  type WorkerService,
  type WorkerServiceOptions,
  workerSettings,
} from "@parlance/worker";
import { asrModelSettings, findAsrModels } from "./asr-models.ts";
import type { RecognitionEngineOptions } from "./load-engine.ts";
import { toEngineJob, toSegmentResult } from "./segment-job.ts";

export const transcribeWorkerSettings = [
  ...asrModelSettings,
  "ASR_DEVICE",
  "ASR_LANGUAGE_MODEL",
  ...workerSettings,
] as const satisfies readonly SettingName[];

export type TranscribeWorker = WorkerService;
export type TranscribeWorkerOptions = WorkerServiceOptions<(typeof transcribeWorkerSettings)[number]>;

/** Beside this file among the sources. Built, it lies in this service's folder, whatever program this has become a part of. */
const ownEngine = new URL(
  import.meta.url.endsWith(".ts") ? "./engine.ts" : "../../transcribe-worker/dist/engine.js",
  import.meta.url,
);

/** Throws a SpeechError when there is no such model, or a device was asked for that cannot be used. */
export async function createTranscribeWorker(options: TranscribeWorkerOptions): Promise<TranscribeWorker> {
  const { bus, settings, log } = options;
  await requireLanguageModel(settings.ASR_LANGUAGE_MODEL);
  const setUp = await setUpWorker({
    ...{ bus, settings, log, service: "transcribe-worker" },
    device: settings.ASR_DEVICE,
    deviceSetting: "ASR_DEVICE",
  });
  const { accelerator, cuda, registry } = setUp;
  const engineOptions = (modelId: string) => (): RecognitionEngineOptions => ({
    modelId,
    modelRoot: settings.ASR_MODEL_ROOT,
    device: accelerator.engine.device,
    computeType: settings.ASR_COMPUTE_TYPE,
    threads: settings.ENGINE_THREADS,
    beamSize: settings.ASR_BEAM_SIZE,
    languageModel: settings.ASR_LANGUAGE_MODEL,
    preparedFolder: join(settings.ASR_MODEL_ROOT, ".prepared"),
    verified: verifiedFiles(),
  });
  const { initial, models } = await findAsrModels({ settings, cuda, engineOptions, log });
  const common = setUp.common(initial);
  const worker = await createWorker({
    ...common,
    operations: ["transcribe"],
    family: "asr",
    models,
    engine: { entry: options.engineEntry ?? ownEngine, options: initial.options },
    toJob: toEngineJob,
    toResult: toSegmentResult,
  });
  const configuration = {
    model_id: initial.name,
    device: accelerator.name,
    accelerator: accelerator.id,
    compute_type: settings.ASR_COMPUTE_TYPE,
    beam_size: settings.ASR_BEAM_SIZE ?? "the model's own",
    max_batch_size: initial.maxBatchSize,
    threads: settings.ENGINE_THREADS,
    idle_timeout: settings.IDLE_TIMEOUT,
    cache_dir: models.facts.cacheDir,
    cuda_version: cuda.version,
    cuda_devices: cuda.deviceCount,
    worker_pid: process.pid,
  };
  log.info({ ...configuration, model_folder: initial.folder, device_reason: accelerator.reason }, "configuration");
  const when = models.ready ? "loaded with the first job" : `downloaded from ${settings.MODEL_HUB} with the first job`;
  log.info(
    { worker: common.id },
    `transcribe-worker ready: ${initial.name} on ${accelerator.name}, ${when} (worker pid ${process.pid})`,
  );
  return { ...worker, registry };
}

/** Whether it is one, the engine says; whether there is one is known here. */
async function requireLanguageModel(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  await access(path, constants.R_OK).catch((cause: unknown) => {
    throw new SpeechError("validation_failed", `ASR_LANGUAGE_MODEL: ${path} cannot be read`, {
      cause,
      param: "ASR_LANGUAGE_MODEL",
    });
  });
}
