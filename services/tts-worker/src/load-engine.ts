import type { EngineLog, EngineModel, Json } from "@parlance/inference";
import { loadTtsModel } from "@parlance/tts";
import * as z from "zod";
import { createSpeechEngine } from "./speech-engine.ts";

export const engineOptionsSchema = z.object({
  modelId: z.string(),
  modelRoot: z.string().optional(),
  device: z.string(),
  computeType: z.enum(["auto", "int8", "float16", "float32"]),
  threads: z.number(),
  /** Those of the manifest. */
  languages: z.array(z.string()),
});
export type EngineOptions = z.infer<typeof engineOptionsSchema>;

export async function loadEngine(options: Json, log: EngineLog): Promise<EngineModel> {
  const { languages, ...model } = engineOptionsSchema.parse(options);
  return createSpeechEngine(await loadTtsModel({ ...model, log }), languages);
}
