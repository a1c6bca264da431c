/**
 * The transcribe worker: segments in, results out. Everything that it does is the supervisor's (shared/worker); here is
 * what makes it one of speech recognition: its settings, its engine, and how a segment looks to both.
 *
 * Any number of them may run. Those on one device share its lease: one works, the others stand by.
 */
import { hostname } from "node:os";
import { extname, join } from "node:path";
import type { Bus } from "@parlance/bus";
import type { SettingName, Settings } from "@parlance/contracts";
import { detectCuda } from "@parlance/inference/cuda";
import { chooseDevice } from "@parlance/inference/device";
import { verifiedFiles } from "@parlance/model-store";
import { createRegistry, type Log, type Registry } from "@parlance/telemetry";
import {
  createWorker,
  createWorkerMetrics,
  leaseSettings,
  type Worker,
  type WorkerOptions,
  yieldSettings,
} from "@parlance/worker";
import { asrModelSettings, findAsrModels } from "./asr-models.ts";
import type { EngineOptions } from "./load-engine.ts";
import { toEngineJob, toSegmentResult } from "./segment-job.ts";

export const transcribeWorkerSettings = [
  ...asrModelSettings,
  "ASR_DEVICE",
  "ASR_LANGUAGE_MODEL",
  "BATCH_WAIT_MS",
  "IDLE_TIMEOUT",
  "PASS_TIMEOUT",
  "MAX_DELIVERIES",
  ...leaseSettings,
] as const satisfies readonly SettingName[];

export interface TranscribeWorkerOptions {
  bus: Bus;
  settings: Settings<(typeof transcribeWorkerSettings)[number]>;
  log: Log;
  /** Another engine than this service's own. */
  engineEntry?: URL;
}

export interface TranscribeWorker extends Worker {
  registry: Registry;
}

const SECOND = 1_000;

/** Beside this file, among the sources as in a bundle. */
const ownEngine = new URL(`./engine${extname(import.meta.url)}`, import.meta.url);

/** Throws a SpeechError when there is no such model, or a device was asked for that cannot be used. */
export async function createTranscribeWorker(options: TranscribeWorkerOptions): Promise<TranscribeWorker> {
  const { bus, settings, log } = options;
  const tell = (message: string, fields: Record<string, unknown> = {}) => log.debug(fields, message);
  const device = await chooseDevice({ device: settings.ASR_DEVICE, log: tell });
  const host = hostname();
  const id = `${host}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const registry = createRegistry("transcribe-worker");
  const engineOptions = (modelId: string) => (): EngineOptions => ({
    modelId,
    modelRoot: settings.ASR_MODEL_ROOT,
    device: device.name,
    computeType: settings.ASR_COMPUTE_TYPE,
    threads: settings.ENGINE_THREADS,
    beamSize: settings.ASR_BEAM_SIZE,
    languageModel: settings.ASR_LANGUAGE_MODEL,
    preparedFolder: join(settings.ASR_MODEL_ROOT, ".prepared"),
    verified: verifiedFiles(),
  });
  const cuda = { available: device.provider === "cuda", ...(await detectCuda()) };
  const { initial, models } = await findAsrModels({ settings, cuda, engineOptions, log });
  const worker = await createWorker({
    bus,
    service: "transcribe-worker",
    id,
    operations: ["transcribe"],
    family: "asr",
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
    toResult: toSegmentResult,
    metrics: createWorkerMetrics(registry),
    log,
  });
  const configuration = {
    model_id: initial.name,
    device: device.name,
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
  log.info({ ...configuration, model_folder: initial.folder, device_reason: device.reason }, "configuration");
  const when = models.ready ? "loaded with the first job" : `downloaded from ${settings.MODEL_HUB} with the first job`;
  log.info(
    { worker: id },
    `transcribe-worker ready: ${initial.name} on ${device.name}, ${when} (worker pid ${process.pid})`,
  );
  return { ...worker, registry };
}
