import type { EngineLog, EngineModel, Json } from "@parlance/inference";
import { trustVerified } from "@parlance/model-store";
import { loadTtsModel } from "@parlance/tts";
import * as z from "zod";
import { createSpeechEngine } from "./speech-engine.ts";

export const engineOptionsSchema = z.object({
  modelId: z.string(),
  modelRoot: z.string().optional(),
  device: z.string(),
  computeType: z.enum(["auto", "int8", "float16", "float32"]),
  threads: z.number(),
  /** Files whose checksums the supervisor has verified. */
  verified: z.array(z.object({ path: z.string(), sha256: z.string(), identity: z.string() })).default([]),
});
export type EngineOptions = z.infer<typeof engineOptionsSchema>;

export async function loadEngine(options: Json, log: EngineLog): Promise<EngineModel> {
  const { verified, ...model } = engineOptionsSchema.parse(options);
  trustVerified(verified);
  return createSpeechEngine(await loadTtsModel({ ...model, log }));
}
