/** The `qwen3-tts` section of a manifest: sizes and ids that the loader must know of the graphs. models/recipes/qwen3-tts writes it. */
import * as z from "zod";
import { samplingSchema } from "./sampling/sampling.ts";

const size = z.number().int().positive();
const token = z.number().int().nonnegative();

export const qwen3TtsSectionSchema = z
  .object({
    kind: z.enum(["custom_voice", "voice_design", "base"]),
    /** Width of the talker, of all embeddings, and of a voice's vector. */
    hidden: size,
    layers: size,
    keyValueHeads: size,
    headSize: size,
    /** Scores of code 0; those from `codebookSize` on are control tokens. */
    codes: size,
    /** Codes of a frame. */
    codebooks: size,
    codebookSize: size,
    textVocabulary: size,
    textTokens: z.object({ ttsPad: token, ttsBos: token, ttsEos: token }),
    codecTokens: z.object({
      ...{ pad: token, bos: token, end: token },
      ...{ think: token, noThink: token, thinkBos: token, thinkEnd: token },
    }),
    /** By English name. */
    languageTokens: z.record(z.string(), token),
    dialectTokens: z.record(z.string(), token).default({}),
    /** By the ids of the voices. A dialect is spoken where Chinese, or nothing, is asked for. */
    speakers: z.record(z.string(), z.object({ token, dialect: z.string().optional() })).default({}),
    sampling: samplingSchema.prefault({}),
    codec: z.object({ samplesPerFrame: size, stateSize: size }),
    /** Of a folder as others publish it: which graphs there are, and what the code predictor keeps of a frame's codes. */
    published: z
      .object({
        layout: z.enum(["stacked", "fused"]),
        predictor: z.object({ layers: size, heads: size, size }),
      })
      .optional(),
    /** How many frames a text may take; several times what a person does. */
    allowance: z
      .object({
        framesPerLetter: z.number().positive().default(2.5),
        framesPerSyllable: z.number().positive().default(7),
        framesPerFigure: z.number().positive().default(9),
        spareFrames: z.number().nonnegative().default(50),
      })
      .prefault({}),
  })
  .refine(({ codecTokens, codebookSize, codes }) => codecTokens.end >= codebookSize && codecTokens.end < codes, {
    message: "must be a control token",
    path: ["codecTokens", "end"],
  });

export type Qwen3TtsSection = z.infer<typeof qwen3TtsSectionSchema>;
