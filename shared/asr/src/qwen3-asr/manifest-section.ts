/** The `qwen3-asr` section of a manifest: sizes that the loader must know of the graphs. */
import * as z from "zod";

const size = z.number().int().positive();

export const qwen3AsrSectionSchema = z.object({
  /** Width of the decoder, and of what the encoder answers. */
  hidden: size,
  layers: size,
  keyValueHeads: size,
  headSize: size,
  /** Tokens that a second of audio may come to, and those that any row may have beyond: together, the budget of a row. */
  tokensPerSecond: z.number().positive().default(15),
  spareTokens: z.number().int().nonnegative().default(64),
  /** Of the forced aligner, when the folder has one. */
  aligner: z
    .object({
      hidden: size,
      millisecondsPerClass: z.number().positive(),
      /** English names; other languages get no word times. */
      languages: z.array(z.string()).min(1),
    })
    .optional(),
});

export type TokenAllowance = Pick<z.infer<typeof qwen3AsrSectionSchema>, "tokensPerSecond" | "spareTokens">;
export type Qwen3AsrSection = z.infer<typeof qwen3AsrSectionSchema>;
