/** The section `whisper` of a folder without a manifest, from what transformers writes beside the weights. */
import { readFile } from "node:fs/promises";
import { SpeechError } from "@parlance/contracts";
import * as z from "zod";
import { type WhisperSection, whisperSectionSchema } from "../manifest-section.ts";

const configSchema = z.looseObject({
  num_mel_bins: z.number().int(),
  d_model: z.number().int(),
  decoder_layers: z.number().int(),
  decoder_attention_heads: z.number().int(),
  max_target_positions: z.number().int(),
  vocab_size: z.number().int(),
});

const generationSchema = z.looseObject({
  max_new_tokens: z.number().int().positive().nullish(),
  suppress_tokens: z.array(z.number().int()).nullish(),
  /** [layer, head] */
  alignment_heads: z.array(z.tuple([z.number().int(), z.number().int()])).nullish(),
});

export interface PublishedSection {
  section: WhisperSection;
  alignmentHeads: [layer: number, head: number][];
}

/** Throws a SpeechError that names the file and the field. */
export async function readPublishedSection(configPath: string, generationPath: string): Promise<PublishedSection> {
  const config = await read(configPath, configSchema);
  const generation = await read(generationPath, generationSchema);
  const [layers, heads] = [config.decoder_layers, config.decoder_attention_heads];
  const section = whisperSectionSchema.parse({
    mels: config.num_mel_bins,
    width: config.d_model,
    ...{ layers, heads },
    positions: config.max_target_positions,
    vocabulary: config.vocab_size,
    maxTokens: generation.max_new_tokens ?? undefined,
    suppressTokens: generation.suppress_tokens ?? undefined,
  });
  // Without a list openai-whisper takes the upper half of the layers.
  const upper = Array.from({ length: layers * heads }, (_, index): [number, number] => [
    Math.floor(index / heads),
    index % heads,
  ]);
  const alignmentHeads = generation.alignment_heads ?? upper.filter(([layer]) => layer >= Math.floor(layers / 2));
  return { section, alignmentHeads };
}

async function read<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
  const refuse = (what: string, cause?: unknown) =>
    new SpeechError("validation_failed", `${path}: ${what}`, { param: "MODEL_ID", cause });
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw refuse("could not be read", cause);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refuse(`${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "is not valid"}`, parsed.error);
}
