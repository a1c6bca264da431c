/**
 * Folders of Qwen3-ASR as the community exports it, known by the names of their graphs: split (`decoder_init`,
 * `decoder_step`) or merged (`decoder_merged`), each as it was made or with int4 weights.
 */
import { SpeechError } from "@parlance/contracts";
import type { FolderView, RecognisedModel } from "@parlance/model-store";
import { qwen3AsrLanguages } from "../qwen3-asr/prompt/languages.ts";

const always = { embedTokens: "embed_tokens.bin", tokenizer: "tokenizer.json", config: "config.json" } as const;
const decoders = { decoderInit: "decoder_init", decoderStep: "decoder_step", decoderMerged: "decoder_merged" } as const;
/** Their external data is shared, so that its name is not made of the graph's. */
const sharedWeights = { "": "decoder_weights.data", ".int4": "decoder_weights.int4.data" } as const;

export async function recogniseQwen3Asr({ files }: FolderView): Promise<RecognisedModel | undefined> {
  const found: Record<string, string> = {};
  const attachments: Record<string, string[]> = {};
  for (const [role, graph] of Object.entries({ encoder: "encoder", ...decoders })) {
    for (const variant of ["", ".int4"] as const) {
      const path = `${graph}${variant}.onnx`;
      if (!files.has(path)) continue;
      found[`${role}${variant}`] = path;
      const shared = sharedWeights[variant];
      const isSplit = role === "decoderInit" || role === "decoderStep";
      if (isSplit && files.has(shared)) attachments[`${role}${variant}`] = [shared];
    }
  }
  const has = (role: string) => found[role] !== undefined || found[`${role}.int4`] !== undefined;
  const split = has("decoderInit") && has("decoderStep");
  if (!has("encoder") || !(split || has("decoderMerged"))) return undefined;
  for (const [role, path] of Object.entries(always)) {
    if (!files.has(path)) {
      throw new SpeechError("validation_failed", `a folder of Qwen3-ASR graphs without ${path}`, { param: "MODEL_ID" });
    }
    found[role] = path;
  }
  return {
    architecture: "qwen3-asr",
    family: "asr",
    description: `Qwen3-ASR, ${split ? "split" : "merged"} graphs`,
    languages: [...qwen3AsrLanguages],
    sampleRate: 16_000,
    limits: { maxSegmentSeconds: 180, maxBatchSize: 16 },
    files: found,
    attachments,
    replaceable: { decoderInit: "decoderMerged", decoderStep: "decoderMerged" },
  };
}
