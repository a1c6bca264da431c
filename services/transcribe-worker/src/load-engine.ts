/** The engine of a transcribe-worker: its options, and its model. */
import { loadAsrModel } from "@parlance/asr";
import type { EngineLog, EngineModel, Json } from "@parlance/inference";
import { engineOptionsSchema, readEngineOptions } from "@parlance/inference/engine-options";
import * as z from "zod";
import { createRecognitionEngine } from "./recognition-engine.ts";

const recognitionSchema = z.object({
  beamSize: z.number().optional(),
  languageModel: z.string().optional(),
  preparedFolder: z.string().optional(),
});
/** Beside the options of every engine. */
export type RecognitionOptions = z.infer<typeof recognitionSchema>;

const optionsSchema = engineOptionsSchema.extend(recognitionSchema.shape);

export async function loadEngine(options: Json, log: EngineLog): Promise<EngineModel> {
  return createRecognitionEngine(await loadAsrModel({ ...readEngineOptions(optionsSchema, options), log }));
}
