/** Where this worker's models come from: its folders and, for those that are not here, a hub. */
import { resolve } from "node:path";
import { abilitiesOf, architectureNames } from "@parlance/asr/abilities";
import { asrLayouts } from "@parlance/asr/layouts";
import { findInCatalogue } from "@parlance/catalogue";
import { type ModelState, type Settings, SpeechError } from "@parlance/contracts";
import { fallbackOf, weightBytes } from "@parlance/inference/compute-type";
import {
  findModel,
  forgetVerified,
  hubSourceOf,
  isFolder,
  listModels,
  obtainModel,
  preferredWeights,
  type ResolvedModel,
  resolveModel,
} from "@parlance/model-store";
import type { Log } from "@parlance/telemetry";
import type { ModelSource, ReadyModel } from "@parlance/worker";

export const asrModelSettings = [
  "MODEL_ID",
  "ASR_MODEL_ROOT",
  "MODEL_HUB",
  "MODEL_HUB_TOKEN",
  "ASR_COMPUTE_TYPE",
  "ASR_BEAM_SIZE",
  "MAX_BATCH_SIZE",
  "ENGINE_THREADS",
] as const;

export interface AsrModelsOptions {
  settings: Settings<(typeof asrModelSettings)[number]>;
  cuda: ModelState["cuda"];
  /** Options of an engine that loads the model of this id. */
  engineOptions(modelId: string): ReadyModel["options"];
  log: Log;
}

/**
 * The model that the settings name, as far as it is known, and the others. Throws a SpeechError when it is neither on this
 * machine nor to be had from a hub, or is not what it should be.
 */
export async function findAsrModels(options: AsrModelsOptions): Promise<{ initial: ReadyModel; models: ModelSource }> {
  const { settings, cuda, engineOptions, log } = options;
  const { MODEL_ID: selected, MODEL_HUB: hub, ASR_MODEL_ROOT: modelRoot } = settings;
  const tell = (message: string, fields: Record<string, unknown> = {}) => log.debug(fields, message);
  const where = { modelRoot, layouts: asrLayouts, log: tell };
  const found = await findModel({ ...where, modelId: selected });
  const source = hub === "off" ? undefined : hubSourceOf(selected);
  // Says which files belong where.
  if (found === undefined && source === undefined) await resolveModel({ ...where, modelId: selected });

  function readyModel(id: string, { manifest, folder }: ResolvedModel): ReadyModel {
    if (manifest.family !== "asr") {
      const message = `${id} is not a speech recognition model: its family is ${manifest.family}`;
      throw new SpeechError("validation_failed", message, { param: "MODEL_ID" });
    }
    if (abilitiesOf(manifest.architecture) === undefined) {
      const message = `model ${id} is of the architecture ${manifest.architecture}; speech recognition has: ${architectureNames.join(", ")}`;
      throw new SpeechError("validation_failed", message, { param: "MODEL_ID" });
    }
    const maxBatchSize = Math.min(settings.MAX_BATCH_SIZE, manifest.limits.maxBatchSize);
    const abilities = { languages: manifest.languages, ...abilitiesOf(manifest.architecture) };
    const provider = cuda.available ? "cuda" : "cpu";
    const fallback = fallbackOf(manifest, settings.ASR_COMPUTE_TYPE, provider);
    if (fallback !== undefined) log.warn({ compute_type: fallback.computeType }, `ASR_COMPUTE_TYPE: ${fallback.note}`);
    return {
      name: manifest.name,
      folder,
      options: engineOptions(id),
      maxBatchSize,
      weightBytes: weightBytes(manifest, settings.ASR_COMPUTE_TYPE, provider),
      fallback,
      abilities,
    };
  }

  async function list() {
    return (await listModels(modelRoot, asrLayouts)).filter(({ family }) => family === "asr");
  }

  const unknown: ReadyModel = {
    name: source?.id ?? selected,
    options: engineOptions(selected),
    maxBatchSize: settings.MAX_BATCH_SIZE,
  };
  return {
    initial: found === undefined ? unknown : readyModel(selected, found),
    models: {
      selected,
      folder: found?.folder,
      ready: found !== undefined,
      list,
      async getReady(modelId, { signal, onDownload }) {
        forgetVerified();
        const model = await obtainModel({
          ...where,
          modelId,
          hub: hub === "off" ? undefined : { endpoint: hub, token: settings.MODEL_HUB_TOKEN },
          weights: preferredWeights(settings.ASR_COMPUTE_TYPE, cuda.available),
          signal,
          onProgress: onDownload,
          log: (message, fields = {}) => log.info(fields, message),
        });
        return readyModel(modelId, model);
      },
      async admit(id) {
        const known = await list();
        if (!isFolder(id) && (findInCatalogue(id) !== undefined || known.some((model) => model.id === id))) return;
        const names = known.map((model) => model.id).join(", ");
        const message = `model: ${JSON.stringify(id)} is neither on this machine (${names}) nor in the catalogue; others are set with MODEL_ID`;
        throw new SpeechError("model_not_found", message, { param: "model" });
      },
      facts: {
        cuda,
        computeType: settings.ASR_COMPUTE_TYPE,
        threads: settings.ENGINE_THREADS,
        beamSize: settings.ASR_BEAM_SIZE,
        cacheDir: modelRoot === undefined ? undefined : resolve(modelRoot),
      },
    },
  };
}
