/**
 * The tts worker: texts in, sound out. Everything that it does is the supervisor's (shared/worker). Here is what makes
 * it one of speech: its settings, its models and engine, and how a text looks to both. The sound is in the `files` bucket
 * before the result that names it is published; whoever asked for parts hears it while it is made.
 *
 * Any number of them may run, with different models: each takes the jobs of the operations that its models can do. Those on one
 * device share its lease: one works, the others stand by. Of several models of one worker one is loaded at a time.
 */
import {
  buckets,
  type Manifest,
  type SettingName,
  SpeechError,
  ttsSectionSchema,
  voiceEntries,
} from "@parlance/contracts";
import { computeTypesOf, type WantedComputeType } from "@parlance/inference/compute-type";
import { architectureNames } from "@parlance/tts/architecture-names";
import { ttsLayouts } from "@parlance/tts/layouts";
import {
  type ModelKind,
  startWorker,
  type WorkerCast,
  type WorkerService,
  type WorkerServiceOptions,
  workerSettings,
} from "@parlance/worker";
import { createFetchReference } from "./fetch-reference.ts";
import { createStoreSpeech } from "./store-speech.ts";
import { soundMetaSchema, toEngineJob, toSegmentResult } from "./text-job.ts";

export const ttsWorkerSettings = [
  "TTS_MODEL_ID",
  "TTS_MODEL_ROOT",
  "MODEL_HUB",
  "MODEL_HUB_TOKEN",
  "TTS_DEVICE",
  "TTS_COMPUTE_TYPE",
  "TTS_MAX_BATCH_SIZE",
  "ENGINE_THREADS",
  ...workerSettings,
] as const satisfies readonly SettingName[];

export type TtsWorker = WorkerService;
export type TtsWorkerOptions = WorkerServiceOptions<(typeof ttsWorkerSettings)[number]>;

/** Beside this file among the sources. Built, it lies in this service's folder, whatever program this has become a part of. */
const engineEntry = new URL(
  import.meta.url.endsWith(".ts") ? "./engine.ts" : "../../tts-worker/dist/engine.js",
  import.meta.url,
);

/** A model's weights are what the setting says, or it is not run. */
function voicesIn(computeType: WantedComputeType): ModelKind {
  return {
    family: "tts",
    called: "text-to-speech",
    settings: { model: "TTS_MODEL_ID", root: "TTS_MODEL_ROOT", computeType: "TTS_COMPUTE_TYPE" },
    architectures: architectureNames,
    layouts: ttsLayouts,
    abilitiesOf(manifest) {
      requireComputeType(manifest, computeType);
      return readSection(manifest);
    },
  };
}

/** Throws a SpeechError when there is no such model, or a device was asked for that cannot be used. */
export async function createTtsWorker(options: TtsWorkerOptions): Promise<TtsWorker> {
  const { bus, settings, log } = options;
  const fetchPayload = createFetchReference({
    references: await bus.files(buckets.references),
    voices: bus.bucket(voiceEntries),
  });
  const storeSpeech = createStoreSpeech({ files: await bus.files(buckets.files), log });
  const hub = settings.MODEL_HUB;
  const cast: WorkerCast = {
    service: "tts-worker",
    kind: voicesIn(settings.TTS_COMPUTE_TYPE),
    device: { device: settings.TTS_DEVICE, deviceSetting: "TTS_DEVICE" },
    modelIds: settings.TTS_MODEL_ID,
    wishes: {
      modelRoot: settings.TTS_MODEL_ROOT,
      computeType: settings.TTS_COMPUTE_TYPE,
      maxBatchSize: settings.TTS_MAX_BATCH_SIZE,
      threads: settings.ENGINE_THREADS,
      hub: hub === "off" ? hub : { endpoint: hub, token: settings.MODEL_HUB_TOKEN },
    },
    operations: [],
    engineEntry,
    toJob: toEngineJob,
    fetchPayload,
    soundOf: (meta) => soundMetaSchema.parse(meta),
    toResult: async (job, { meta, payload = new Uint8Array() }, pass) =>
      toSegmentResult(job, meta, pass, await storeSpeech(job.address, payload)),
  };
  return await startWorker(cast, options);
}

/** Throws what the setting can be with this model, where it has no such weights. */
function requireComputeType(manifest: Manifest, wanted: WantedComputeType): void {
  const has = computeTypesOf(manifest);
  if (wanted === "auto" || has.some((type) => type === wanted)) return;
  const message = `TTS_COMPUTE_TYPE: ${manifest.name} has no ${wanted} weights: use ${["auto", ...has].join(" or ")}`;
  throw new SpeechError("validation_failed", message, { param: "TTS_COMPUTE_TYPE" });
}

/** What the manifest says may be asked of the model. */
function readSection({ name, tts }: Manifest) {
  const section = ttsSectionSchema.safeParse(tts);
  if (section.success) return section.data;
  const message = `TTS_MODEL_ID: ${name} is not a text-to-speech model: its manifest has no section tts that can be read`;
  throw new SpeechError("validation_failed", message, { param: "TTS_MODEL_ID", cause: section.error });
}
