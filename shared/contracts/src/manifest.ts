/** A model's manifest: names its files with checksums, its tensors, limits, licence and source. */
import * as z from "zod";
import { familySchema } from "./words.ts";

export const manifestFileSchema = z.object({
  /** Relative to the manifest's folder; never leaves it. */
  path: z.string().regex(/^(?!\/)(?!.*\.\.)[\w./-]+$/, "must be a relative path inside the model's folder"),
  bytes: z.number().int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
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
  sampleRate: z.number().int().positive(),
  files: z.record(z.string(), manifestFileSchema),
  limits: z.object({
    maxSegmentSeconds: z.number().positive(),
    maxBatchSize: z.number().int().positive(),
  }),
});
/** An architecture reads a section of its own name from the loose rest. */
export type Manifest = z.infer<typeof manifestSchema>;
