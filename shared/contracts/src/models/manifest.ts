/** A model's manifest: names its files with checksums, its tensors, limits, licence and source. */
import * as z from "zod";
import { tokenSchema } from "../words/identifiers.ts";
import { familySchema, operationSchema } from "../words/words.ts";

export const manifestFileSchema = z.object({
  /** Relative to the manifest's folder; never leaves it. */
  path: z.string().regex(/^(?!\/)(?!.*\.\.)[\w./-]+$/, "must be a relative path inside the model's folder"),
  bytes: z.number().int().positive(),
  /** Absent only in a manifest that was made for a folder of another program's layout; a `manifest.json` must have it. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

export const manifestSchema = z.looseObject({
  name: z.string().min(1),
  version: z.string(),
  family: familySchema,
  architecture: z.string(),
  description: z.string().default(""),
  license: z.string(),
  source: z.string(),
  /** English names; what `auto` may answer with. */
  languages: z.array(z.string()).min(1),
  /** Of a model of an architecture that translates: false when this one was not trained for it. Default true. */
  translates: z.boolean().optional(),
  sampleRate: z.number().int().positive(),
  files: z.record(z.string(), manifestFileSchema),
  limits: z.object({
    maxSegmentSeconds: z.number().positive(),
    maxBatchSize: z.number().int().positive(),
  }),
});

/** A voice that a model brings along. */
export const voiceSchema = z.object({
  id: tokenSchema,
  name: z.string(),
  gender: z.enum(["female", "male", "neutral"]),
  /** English name. */
  language: z.string(),
});

/** The section `tts` of a text-to-speech model's manifest: what may be asked of the model without loading it. */
export const ttsSectionSchema = z.object({
  operations: z.array(operationSchema).min(1),
  voices: z.array(voiceSchema),
  defaultVoice: tokenSchema.optional(),
  /** Whether the model follows instructions. */
  instructions: z.boolean().default(false),
});
export type TtsSection = z.infer<typeof ttsSectionSchema>;

/** An architecture reads a section of its own name from the loose rest. */
export type Manifest = z.infer<typeof manifestSchema>;
