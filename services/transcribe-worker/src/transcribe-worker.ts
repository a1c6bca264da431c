/**
 * The transcribe worker: segments in, results out. Everything that it does is the supervisor's (shared/worker); here is
 * what makes it one of speech recognition: its settings, its models and engine, and how a segment looks to both.
 *
 * Any number of them may run. Those on one device share its lease: one works, the others stand by.
 */
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { abilitiesOf, architectureNames } from "@parlance/asr/abilities";
import { asrLayouts } from "@parlance/asr/layouts";
import { type SettingName, SpeechError } from "@parlance/contracts";
import {
  type ModelKind,
  startWorker,
  type WorkerCast,
  type WorkerService,
  type WorkerServiceOptions,
  workerSettings,
} from "@parlance/worker";
import type { RecognitionOptions } from "./load-engine.ts";
import { toEngineJob, toEngineWindow, toHeard, toPart, toSegmentResult } from "./segment-job.ts";

export const transcribeWorkerSettings = [
  "MODEL_ID",
  "ASR_MODEL_ROOT",
  "MODEL_HUB",
  "MODEL_HUB_TOKEN",
  "ASR_DEVICE",
  "ASR_COMPUTE_TYPE",
  "ASR_BEAM_SIZE",
  "ASR_LANGUAGE_MODEL",
  "MAX_BATCH_SIZE",
  "ENGINE_THREADS",
  ...workerSettings,
] as const satisfies readonly SettingName[];

export type TranscribeWorker = WorkerService;
export type TranscribeWorkerOptions = WorkerServiceOptions<(typeof transcribeWorkerSettings)[number]>;

/** Beside this file among the sources. Built, it lies in this service's folder, whatever program this has become a part of. */
const engineEntry = new URL(
  import.meta.url.endsWith(".ts") ? "./engine.ts" : "../../transcribe-worker/dist/engine.js",
  import.meta.url,
);

const recognisers: ModelKind = {
  family: "asr",
  called: "speech recognition",
  settings: { model: "MODEL_ID", root: "ASR_MODEL_ROOT", computeType: "ASR_COMPUTE_TYPE" },
  architectures: architectureNames,
  layouts: asrLayouts,
  abilitiesOf: (manifest) => ({ ...abilitiesOf(manifest) }),
};

/** Throws a SpeechError when there is no such model, or a device was asked for that cannot be used. */
export async function createTranscribeWorker(options: TranscribeWorkerOptions): Promise<TranscribeWorker> {
  const { settings } = options;
  await requireLanguageModel(settings.ASR_LANGUAGE_MODEL);
  const hub = settings.MODEL_HUB;
  const engineOptions: RecognitionOptions = {
    beamSize: settings.ASR_BEAM_SIZE,
    languageModel: settings.ASR_LANGUAGE_MODEL,
    preparedFolder: join(settings.ASR_MODEL_ROOT, ".prepared"),
  };
  const cast: WorkerCast = {
    service: "transcribe-worker",
    kind: recognisers,
    device: { device: settings.ASR_DEVICE, deviceSetting: "ASR_DEVICE" },
    modelIds: [settings.MODEL_ID],
    wishes: {
      modelRoot: settings.ASR_MODEL_ROOT,
      computeType: settings.ASR_COMPUTE_TYPE,
      maxBatchSize: settings.MAX_BATCH_SIZE,
      threads: settings.ENGINE_THREADS,
      beamSize: settings.ASR_BEAM_SIZE,
      hub: hub === "off" ? hub : { endpoint: hub, token: settings.MODEL_HUB_TOKEN },
    },
    operations: ["transcribe"],
    ...{ engineEntry, engineOptions },
    toJob: toEngineJob,
    toResult: toSegmentResult,
    toPart,
    windows: { toJob: toEngineWindow, toHeard },
  };
  return await startWorker(cast, options);
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
