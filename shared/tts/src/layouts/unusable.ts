/** Folders that hold Qwen3-TTS all right, but no graphs of it: told what they have and what to use instead. It never recognises. */
import { SpeechError } from "@parlance/contracts";
import type { FolderView } from "@parlance/model-store";
import * as z from "zod";

const configSchema = z.looseObject({ model_type: z.literal("qwen3_tts") });

export async function refuseWeights({ files, readJson }: FolderView): Promise<undefined> {
  const weights = [...files].find((path) => path.endsWith(".safetensors"));
  if (weights === undefined || !files.has("config.json")) return undefined;
  if (!configSchema.safeParse(await readJson("config.json")).success) return undefined;
  throw new SpeechError(
    "validation_failed",
    `it has Qwen3-TTS as weights (${weights}) and no ONNX graphs: use Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice, -1.7B-CustomVoice, ` +
      "-1.7B-VoiceDesign or -0.6B-Base, whose graphs others have published, or export the checkpoint with models/recipes/qwen3-tts",
    { param: "TTS_MODEL_ID" },
  );
}
