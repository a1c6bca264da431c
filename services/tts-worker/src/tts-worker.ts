/**
 * The tts worker: texts in, sound out. Everything that it does is the supervisor's (shared/worker); here is what makes it one of
 * speech: its settings, its engine, how a text looks to both, and that the sound is in the `files` bucket before the result
 * that names it is published.
 *
 * Any number of them may run, with different models: each takes the jobs of the operations that its model can do. Those on one
 * device share its lease: one works, the others stand by.
 */
import { hostname } from "node:os";
import { extname } from "node:path";
import type { Bus } from "@parlance/bus";
import {
  buckets,
  type Manifest,
  type SettingName,
  type Settings,
  SpeechError,
  ttsSectionSchema,
} from "@parlance/contracts";
import { detectCuda } from "@parlance/inference/cuda";
import { chooseDevice } from "@parlance/inference/device";
import { resolveModel, verifiedFiles } from "@parlance/model-store";
import { createRegistry, type Log, type Registry } from "@parlance/telemetry";
import {
  createWorker,
  createWorkerMetrics,
  leaseSettings,
  type ReadyModel,
  type Worker,
  type WorkerOptions,
  yieldSettings,
} from "@parlance/worker";
import type { EngineOptions } from "./load-engine.ts";
import { createStoreSpeech } from "./store-speech.ts";
import { toEngineJob, toSegmentResult } from "./text-job.ts";
import { createTtsModels } from "./tts-models.ts";

export const ttsWorkerSettings = [
  "TTS_MODEL_ID",
  "TTS_MODEL_ROOT",
  "TTS_DEVICE",
  "TTS_COMPUTE_TYPE",
  "TTS_MAX_BATCH_SIZE",
  "BATCH_WAIT_MS",
  "IDLE_TIMEOUT",
  "ENGINE_THREADS",
  "PASS_TIMEOUT",
  "MAX_DELIVERIES",
  ...leaseSettings,
] as const satisfies readonly SettingName[];

export interface TtsWorkerOptions {
  bus: Bus;
  settings: Settings<(typeof ttsWorkerSettings)[number]>;
  log: Log;
  /** Another engine than this service's own. */
  engineEntry?: URL;
}

export interface TtsWorker extends Worker {
  registry: Registry;
}

const SECOND = 1_000;

/** Beside this file, among the sources as in a bundle. */
const ownEngine = new URL(`./engine${extname(import.meta.url)}`, import.meta.url);

/** Throws a SpeechError when there is no such model, or a device was asked for that cannot be used. */
export async function createTtsWorker(options: TtsWorkerOptions): Promise<TtsWorker> {
  const { bus, settings, log } = options;
  const tell = (message: string, fields: Record<string, unknown> = {}) => log.debug(fields, message);
  const { manifest, folder } = await resolveModel({
    modelId: settings.TTS_MODEL_ID,
    modelRoot: settings.TTS_MODEL_ROOT,
    log: tell,
  });
  const { operations, voices } = readSection(manifest);
  const device = await chooseDevice({ device: settings.TTS_DEVICE, log: tell });
  const host = hostname();
  const id = `${host}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const registry = createRegistry("tts-worker");
  const storeSpeech = createStoreSpeech({ files: await bus.files(buckets.files), log });
  const engineOptions = (modelId: string) => (): EngineOptions => ({
    modelId,
    modelRoot: settings.TTS_MODEL_ROOT,
    device: device.name,
    computeType: settings.TTS_COMPUTE_TYPE,
    threads: settings.ENGINE_THREADS,
    verified: verifiedFiles(),
  });
  const toReady = (modelId: string, modelFolder: string, of: Manifest): ReadyModel => ({
    name: of.name,
    folder: modelFolder,
    options: engineOptions(modelId),
    maxBatchSize: Math.min(settings.TTS_MAX_BATCH_SIZE, of.limits.maxBatchSize),
    abilities: { languages: of.languages, ...readSection(of) },
  });
  const cuda = { available: device.provider === "cuda", ...(await detectCuda()) };
  const initial = toReady(settings.TTS_MODEL_ID, folder, manifest);
  const models = createTtsModels({ settings, cuda, folder, operations, readSection, toReady, log });
  const worker = await createWorker({
    bus,
    service: "tts-worker",
    id,
    operations,
    family: "tts",
    model: initial.name,
    abilities: initial.abilities,
    models,
    lease: { device: device.name, ttlMs: settings.LEASE_TTL * SECOND, host },
    engine: { entry: options.engineEntry ?? ownEngine, options: initial.options },
    settings: {
      maxBatchSize: initial.maxBatchSize,
      batchWaitMs: settings.BATCH_WAIT_MS,
      idleMs: settings.IDLE_TIMEOUT * SECOND,
      passTimeoutMs: settings.PASS_TIMEOUT * SECOND,
      ...yieldSettings(settings),
      maxDeliveries: settings.MAX_DELIVERIES,
    } satisfies WorkerOptions["settings"],
    toJob: toEngineJob,
    async toResult(job, { meta, payload = new Uint8Array() }, pass) {
      return toSegmentResult(job, meta, pass, await storeSpeech(job.address, payload));
    },
    metrics: createWorkerMetrics(registry),
    log,
  });
  log.info(
    {
      worker: id,
      model_id: manifest.name,
      model_folder: folder,
      operations,
      voices: voices.map((voice) => voice.id),
      device: device.name,
      device_reason: device.reason,
      compute_type: settings.TTS_COMPUTE_TYPE,
      max_batch_size: settings.TTS_MAX_BATCH_SIZE,
      idle_timeout: settings.IDLE_TIMEOUT,
      worker_pid: process.pid,
    },
    `tts-worker ready: ${manifest.name} on ${device.name}, loaded with the first job (worker pid ${process.pid})`,
  );
  return { ...worker, registry };
}

/** What the manifest says may be asked of the model. Throws when it is a model of another kind. */
function readSection(manifest: Manifest) {
  const section = ttsSectionSchema.safeParse(manifest.tts);
  if (manifest.family === "tts" && section.success) return section.data;
  const why = section.success
    ? `it is of the family ${manifest.family}`
    : "its manifest has no section tts that can be read";
  throw new SpeechError("validation_failed", `TTS_MODEL_ID: ${manifest.name} is not a text-to-speech model: ${why}`, {
    param: "TTS_MODEL_ID",
    cause: section.error,
  });
}
