/**
 * Which models this worker can be told to run: those on its disk that do what the model of its settings does, because what a
 * worker may take from the queue is decided when it starts. Nothing is downloaded: no hub has speech models in a layout
 * that is known.
 */
import { resolve } from "node:path";
import { type Manifest, type ModelState, type Settings, SpeechError, type TtsSection } from "@parlance/contracts";
import { forgetVerified, listModels, readManifest, resolveModel } from "@parlance/model-store";
import type { Log } from "@parlance/telemetry";
import type { ModelSource, ReadyModel } from "@parlance/worker";

export interface TtsModelsOptions {
  settings: Settings<"TTS_MODEL_ID" | "TTS_MODEL_ROOT" | "TTS_COMPUTE_TYPE" | "ENGINE_THREADS">;
  cuda: ModelState["cuda"];
  /** Of the model of the settings. */
  folder: string;
  operations: TtsSection["operations"];
  /** Throws when it is a model of another kind. */
  readSection(manifest: Manifest): TtsSection;
  toReady(modelId: string, folder: string, manifest: Manifest): ReadyModel;
  log: Log;
}

export function createTtsModels(options: TtsModelsOptions): ModelSource {
  const { settings, operations, readSection, toReady, log } = options;
  const modelRoot = settings.TTS_MODEL_ROOT;
  const list = async () => (await listModels(modelRoot)).filter(({ family }) => family === "tts");

  function requireSame(id: string, manifest: Manifest): void {
    const own = readSection(manifest).operations;
    if (own.length === operations.length && operations.every((operation) => own.includes(operation))) return;
    const message = `model: ${id} does ${own.join(", ")}, and this worker was started for ${operations.join(", ")}: set TTS_MODEL_ID`;
    throw new SpeechError("operation_unavailable", message, { param: "model" });
  }

  return {
    selected: settings.TTS_MODEL_ID,
    folder: options.folder,
    ready: true,
    list,
    async getReady(modelId) {
      forgetVerified();
      const tell = (message: string, fields: Record<string, unknown> = {}) => log.debug(fields, message);
      const { manifest, folder } = await resolveModel({ modelId, modelRoot, log: tell });
      requireSame(modelId, manifest);
      return toReady(modelId, folder, manifest);
    },
    async admit(id) {
      const models = await list();
      const found = models.find((model) => model.id === id);
      const manifest = found && (await readManifest(found.folder));
      if (manifest !== undefined) return requireSame(id, manifest);
      const names = models.map((model) => model.id).join(", ");
      const message = `model: ${JSON.stringify(id)} is not on this machine (${names}); others are set with TTS_MODEL_ID`;
      throw new SpeechError("model_not_found", message, { param: "model" });
    },
    facts: {
      cuda: options.cuda,
      computeType: settings.TTS_COMPUTE_TYPE,
      threads: settings.ENGINE_THREADS,
      cacheDir: modelRoot === undefined ? undefined : resolve(modelRoot),
    },
  };
}
