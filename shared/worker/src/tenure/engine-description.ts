/** What an engine tells of itself once its model is loaded, read. */
import { type EngineDescription, engineDescriptionSchema, SpeechError } from "@parlance/contracts";
import type { Json } from "@parlance/inference/engine";

export type { EngineDescription };

/** Throws a SpeechError `engine_failed` that names the field: an engine that cannot say what it loaded is not to be trusted with work. */
export function readDescription(json: Json): EngineDescription {
  const parsed = engineDescriptionSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.map(String).join(".") || "all of it";
  throw new SpeechError(
    "engine_failed",
    `the engine's description of its model cannot be read: ${field}: ${issue?.message ?? "is not valid"}`,
    { cause: parsed.error },
  );
}
