/** The models that a bundle is to hold beside the embedded ones: folders, or what is or can be downloaded. */
import { basename } from "node:path";
import { asrLayouts } from "@parlance/asr/layouts";
import { readSettings } from "@parlance/contracts";
import { isFolder, obtainModel, preferredWeights } from "@parlance/model-store";
import { ttsLayouts } from "@parlance/tts/layouts";

export interface NamedModel {
  /** Below the bundle's `models`; MODEL_ID, or TTS_MODEL_ID, finds it under this name. */
  name: string;
  /** Absolute. */
  folder: string;
  licence: string | undefined;
}

const settingNames = ["ASR_MODEL_ROOT", "MODEL_HUB", "MODEL_HUB_TOKEN", "ASR_COMPUTE_TYPE"] as const;

/** Downloads what is not on this machine, as a worker would. Throws a SpeechError when a model is nowhere to be had. */
export async function namedModels(
  ids: readonly string[],
  { cuda, environment, say }: { cuda: boolean; environment: NodeJS.ProcessEnv; say: (text: string) => void },
): Promise<NamedModel[]> {
  const settings = readSettings(settingNames, environment);
  const { MODEL_HUB: hub, MODEL_HUB_TOKEN: token, ASR_MODEL_ROOT: modelRoot, ASR_COMPUTE_TYPE: computeType } = settings;
  const models: NamedModel[] = [];
  for (const modelId of ids) {
    const { folder, manifest } = await obtainModel({
      modelId,
      modelRoot,
      layouts: [...ttsLayouts, ...asrLayouts],
      hub: hub === "off" ? undefined : { endpoint: hub, token },
      weights: preferredWeights(computeType, cuda),
      signal: new AbortController().signal,
      onProgress: ({ bytes, totalBytes }) =>
        say(`${modelId}: ${Math.round((100 * bytes) / Math.max(1, totalBytes))} %`),
      log: () => {},
    });
    models.push({ name: isFolder(modelId) ? basename(folder) : modelId, folder, licence: manifest.license });
  }
  return models;
}
