/** The engine of a tts-worker: its options, and its model. */
import type { EngineLog, EngineModel, Json } from "@parlance/inference";
import { engineOptionsSchema, readEngineOptions } from "@parlance/inference/engine-options";
import { loadTtsModel } from "@parlance/tts";
import { createSpeechEngine } from "./speech-engine.ts";

export async function loadEngine(options: Json, log: EngineLog): Promise<EngineModel> {
  return createSpeechEngine(await loadTtsModel({ ...readEngineOptions(engineOptionsSchema, options), log }));
}
