/** The sizes of a published model, from its config.json. */
import { readFile } from "node:fs/promises";
import { SpeechError } from "@parlance/contracts";
import * as z from "zod";
import { type Qwen3AsrSection, qwen3AsrSectionSchema } from "../manifest-section.ts";

const size = z.number().int().positive();
const configSchema = z.object({
  decoder: z.object({
    num_layers: size,
    hidden_size: size,
    num_key_value_heads: size,
    head_dim: size,
    vocab_size: size,
  }),
});

export async function readPublishedSizes(path: string): Promise<{ section: Qwen3AsrSection; vocabulary: number }> {
  const parsed = configSchema.safeParse(JSON.parse(await readFile(path, "utf8")));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.map(String).join(".") ?? "";
    throw new SpeechError("validation_failed", `${path}: ${field}: ${issue?.message ?? "is not valid"}`, {
      cause: parsed.error,
      param: "MODEL_ID",
    });
  }
  const { num_layers, hidden_size, num_key_value_heads, head_dim, vocab_size } = parsed.data.decoder;
  const section = qwen3AsrSectionSchema.parse({
    hidden: hidden_size,
    layers: num_layers,
    keyValueHeads: num_key_value_heads,
    headSize: head_dim,
  });
  return { section, vocabulary: vocab_size };
}
