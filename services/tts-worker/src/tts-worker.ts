/**
 * The tts worker: texts in, sound out. Everything that it does is the supervisor's (shared/worker). Here is what makes
 * it one of speech: its settings, its engine, and how a text looks to both. The sound is in the `files` bucket before
 * the result that names it is published.
 *
 * Any number of them may run, with different models: each takes the jobs of the operations that its model can do. Those on one
 * device share its lease: one works, the others stand by.
 */
import { buckets, type Manifest, type SettingName, SpeechError, ttsSectionSchema } from "@parlance/contracts";
import { computeTypesOf, type WantedComputeType, weightBytes } from "@parlance/inference/compute-type";
import { resolveModel, verifiedFiles } from "@parlance/model-store";
import { architectureNames } from "@parlance/tts/architecture-names";
import {
  createWorker,
  type ReadyModel,
  setUpWorker,
  type WorkerService,
  type WorkerServiceOptions,
  workerSettings,
} from "@parlance/worker";
import type { SpeechEngineOptions } from "./load-engine.ts";
import { createStoreSpeech } from "./store-speech.ts";
import { toEngineJob, toSegmentResult } from "./text-job.ts";
import { createTtsModels } from "./tts-models.ts";

export const ttsWorkerSettings = [
  "TTS_MODEL_ID",
  "TTS_MODEL_ROOT",
  "TTS_DEVICE",
  "TTS_COMPUTE_TYPE",
  "TTS_MAX_BATCH_SIZE",
  "ENGINE_THREADS",
  ...workerSettings,
] as const satisfies readonly SettingName[];

export type TtsWorker = WorkerService;
export type TtsWorkerOptions = WorkerServiceOptions<(typeof ttsWorkerSettings)[number]>;

/** Beside this file among the sources. Built, it lies in this service's folder, whatever program this has become a part of. */
const ownEngine = new URL(
  import.meta.url.endsWith(".ts") ? "./engine.ts" : "../../tts-worker/dist/engine.js",
  import.meta.url,
);

/** Throws a SpeechError when there is no such model, or a device was asked for that cannot be used. */
export async function createTtsWorker(options: TtsWorkerOptions): Promise<TtsWorker> {
  const { bus, settings, log } = options;
  const { manifest, folder } = await resolveModel({
    modelId: settings.TTS_MODEL_ID,
    modelRoot: settings.TTS_MODEL_ROOT,
    log: (message, fields = {}) => log.debug(fields, message),
  });
  const { operations, voices } = readSection(manifest);
  requireComputeType(manifest, settings.TTS_COMPUTE_TYPE);
  const setUp = await setUpWorker({
    ...{ bus, settings, log, service: "tts-worker" },
    device: settings.TTS_DEVICE,
    deviceSetting: "TTS_DEVICE",
  });
  const { accelerator, cuda, registry } = setUp;
  const storeSpeech = createStoreSpeech({ files: await bus.files(buckets.files), log });
  const engineOptions = (modelId: string) => (): SpeechEngineOptions => ({
    modelId,
    modelRoot: settings.TTS_MODEL_ROOT,
    device: accelerator.engine.device,
    computeType: settings.TTS_COMPUTE_TYPE,
    threads: settings.ENGINE_THREADS,
    verified: verifiedFiles(),
  });
  const toReady = (modelId: string, modelFolder: string, of: Manifest): ReadyModel => ({
    name: of.name,
    folder: modelFolder,
    options: engineOptions(modelId),
    maxBatchSize: Math.min(settings.TTS_MAX_BATCH_SIZE, of.limits.maxBatchSize),
    weightBytes: weightBytes(of, settings.TTS_COMPUTE_TYPE, accelerator.provider),
    abilities: { languages: of.languages, ...readSection(of) },
  });
  const initial = toReady(settings.TTS_MODEL_ID, folder, manifest);
  const models = createTtsModels({ settings, cuda, folder, operations, readSection, toReady, log });
  const common = setUp.common(initial);
  const worker = await createWorker({
    ...common,
    operations,
    family: "tts",
    models,
    engine: { entry: options.engineEntry ?? ownEngine, options: initial.options },
    toJob: toEngineJob,
    async toResult(job, { meta, payload = new Uint8Array() }, pass) {
      return toSegmentResult(job, meta, pass, await storeSpeech(job.address, payload));
    },
  });
  log.info(
    {
      worker: common.id,
      model_id: manifest.name,
      model_folder: folder,
      operations,
      voices: voices.map((voice) => voice.id),
      device: accelerator.name,
      accelerator: accelerator.id,
      device_reason: accelerator.reason,
      compute_type: settings.TTS_COMPUTE_TYPE,
      max_batch_size: settings.TTS_MAX_BATCH_SIZE,
      idle_timeout: settings.IDLE_TIMEOUT,
      worker_pid: process.pid,
    },
    `tts-worker ready: ${manifest.name} on ${accelerator.name}, loaded with the first job (worker pid ${process.pid})`,
  );
  return { ...worker, registry };
}

/** Throws what the setting can be with this model, where it has no such weights. */
function requireComputeType(manifest: Manifest, wanted: WantedComputeType): void {
  const has = computeTypesOf(manifest);
  if (wanted === "auto" || has.some((type) => type === wanted)) return;
  const message = `TTS_COMPUTE_TYPE: ${manifest.name} has no ${wanted} weights: use ${["auto", ...has].join(" or ")}`;
  throw new SpeechError("validation_failed", message, { param: "TTS_COMPUTE_TYPE" });
}

/** What the manifest says may be asked of the model. Throws when it is a model of another kind. */
function readSection(manifest: Manifest) {
  const section = ttsSectionSchema.safeParse(manifest.tts);
  const known = architectureNames.includes(manifest.architecture);
  if (manifest.family === "tts" && section.success && known) return section.data;
  const why =
    manifest.family !== "tts"
      ? `it is of the family ${manifest.family}`
      : section.success
        ? `its architecture is ${manifest.architecture}, and there is: ${architectureNames.join(", ")}`
        : "its manifest has no section tts that can be read";
  throw new SpeechError("validation_failed", `TTS_MODEL_ID: ${manifest.name} is not a text-to-speech model: ${why}`, {
    param: "TTS_MODEL_ID",
    cause: section.error,
  });
}
