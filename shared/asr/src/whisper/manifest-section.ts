/** The section `whisper` of a manifest in Parlance's own layout, which the recipe writes. */
import type { Manifest } from "@parlance/contracts";
import { readSection } from "@parlance/inference";
import * as z from "zod";

export const whisperSectionSchema = z.object({
  mels: z.number().int().positive(),
  /** Of the decoder. */
  layers: z.number().int().positive(),
  heads: z.number().int().positive(),
  width: z.number().int().positive(),
  /** Most tokens, prompt included, that the decoder has positions for. */
  positions: z.number().int().positive(),
  /** How many tokens the model knows. */
  vocabulary: z.number().int().positive(),
  /** Tokens that are never said, instead of the official list. */
  suppressTokens: z.array(z.number().int()).optional(),
  /** Most tokens of a text; half the positions by default. */
  maxTokens: z.number().int().positive().optional(),
  /** Tokens that a second of audio may come to, beside those that any row may have; by default a row's length does not matter. */
  tokensPerSecond: z.number().positive().optional(),
  spareTokens: z.number().int().nonnegative().default(64),
  /** Beam width unless ASR_BEAM_SIZE says otherwise; 1 is greedy. */
  beamSize: z.number().int().positive().default(5),
  /** Tried one after the other while a text looks wrong; 0 is the beam, above it tokens are sampled. */
  temperatures: z.array(z.number().nonnegative()).min(1).default([0, 0.2, 0.4, 0.6, 0.8, 1]),
  /** A text that compresses better than this repeats itself. */
  compressionRatioThreshold: z.number().default(2.4),
  /** A text whose tokens are less likely than this on average (natural log) is a guess. */
  logProbabilityThreshold: z.number().default(-1),
  /** Nobody speaks when the model is this sure of it and the text is a guess. */
  noSpeechThreshold: z.number().default(0.6),
});

export type WhisperSection = z.infer<typeof whisperSectionSchema>;

/** Throws a SpeechError that names the field. */
export const readWhisperSection = (manifest: Manifest): WhisperSection =>
  readSection(manifest, "whisper", whisperSectionSchema, "MODEL_ID");
