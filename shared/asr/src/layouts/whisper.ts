/**
 * Folders of Whisper as optimum and transformers.js export it: a folder of transformers with ONNX graphs in it or in
 * `onnx/`; the decoder as one merged graph, or as one for the first run and one for all others.
 */
import { SpeechError } from "@parlance/contracts";
import type { FolderView, RecognisedModel } from "@parlance/model-store";
import * as z from "zod";
import { languageName, whisperCodes } from "../whisper/text/languages.ts";

const graphs = {
  encoder: "encoder_model",
  decoder: "decoder_model",
  decoderWithPast: "decoder_with_past_model",
  decoderMerged: "decoder_model_merged",
} as const;

/**
 * Ends of the graphs' names by number format; the first that is there is taken. Weights of four bits: those that compute in
 * float32 come first, the CPU has nothing of float16.
 */
const formats = {
  "": [""],
  ".int8": ["_quantized", "_uint8", "_int8"],
  ".float16": ["_fp16"],
  ".int4": ["_q4", "_bnb4", "_q4f16"],
} as const;

const configSchema = z.looseObject({
  model_type: z.literal("whisper"),
  vocab_size: z.number().int(),
  encoder_layers: z.number().int().optional(),
  decoder_layers: z.number().int().optional(),
});

const SMALLEST_MULTILINGUAL = 51_865;
/** Languages of the first multilingual models; one more token is one more language. */
const FIRST_LANGUAGES = 99;

export async function recogniseWhisper({ files, readJson }: FolderView): Promise<RecognisedModel | undefined> {
  const found: Record<string, string> = {};
  for (const [role, graph] of Object.entries(graphs)) {
    for (const [format, endings] of Object.entries(formats)) {
      const paths = endings.flatMap((ending) => [`${graph}${ending}.onnx`, `onnx/${graph}${ending}.onnx`]);
      const path = paths.find((name) => files.has(name));
      if (path !== undefined) found[`${role}${format}`] = path;
    }
  }
  const has = (role: string) => Object.keys(formats).some((format) => found[`${role}${format}`] !== undefined);
  if (Object.keys(found).length === 0 || !files.has("config.json")) return undefined;
  // Other models with an encoder and a decoder have graphs of the same names.
  const config = configSchema.safeParse(await readJson("config.json"));
  if (!config.success) return undefined;
  const lack = (what: string) => {
    throw new SpeechError("validation_failed", `a folder of Whisper graphs without ${what}`, { param: "MODEL_ID" });
  };
  if (!has("encoder")) lack("encoder_model.onnx");
  if (!has("decoderMerged") && !(has("decoder") && has("decoderWithPast"))) {
    lack("decoder_model_merged.onnx, or both decoder_model.onnx and decoder_with_past_model.onnx");
  }
  for (const [role, path] of Object.entries({
    tokenizer: "tokenizer.json",
    generationConfig: "generation_config.json",
  })) {
    if (!files.has(path)) lack(path);
    found[role] = path;
  }
  const { vocab_size: size, encoder_layers: heard = 0, decoder_layers: said = heard } = config.data;
  const languages = whisperCodes.slice(0, FIRST_LANGUAGES + size - SMALLEST_MULTILINGUAL);
  return {
    architecture: "whisper",
    family: "asr",
    description: `Whisper, ${has("decoderMerged") ? "merged" : "split"} graphs`,
    languages: size < SMALLEST_MULTILINGUAL ? ["English"] : languages.map(languageName),
    // The decoders of turbo and of the distilled models were cut down and trained again, to transcribe alone.
    ...(said < heard && { translates: false }),
    sampleRate: 16_000,
    limits: { maxSegmentSeconds: 30, maxBatchSize: 32 },
    files: { ...found, config: "config.json" },
    replaceable: { decoder: "decoderMerged", decoderWithPast: "decoderMerged" },
  };
}
