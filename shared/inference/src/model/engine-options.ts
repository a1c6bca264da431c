/** What a supervisor tells the engine that it starts: the options of a load, and the word of one who has read the files. */
import { wantedComputeTypes } from "@parlance/contracts";
import { trustVerified, type VerifiedFile } from "@parlance/model-store";
import * as z from "zod";
import type { Json } from "../engine/engine-protocol.ts";

const verifiedFileSchema = z.object({
  path: z.string(),
  sha256: z.string(),
  identity: z.string(),
}) satisfies z.ZodType<VerifiedFile>;

/** Of every family; each may add its own. */
export const engineOptionsSchema = z.object({
  modelId: z.string(),
  modelRoot: z.string().optional(),
  device: z.string(),
  computeType: z.enum(wantedComputeTypes),
  threads: z.number(),
  /** Files whose checksums the supervisor has verified. */
  verified: z.array(verifiedFileSchema).default([]),
});
export type EngineOptions = z.infer<typeof engineOptionsSchema>;

/** In the engine: what its model is loaded with. Files that the supervisor has verified are not read again. */
export function readEngineOptions<Options extends EngineOptions>(
  schema: z.ZodType<Options>,
  options: Json,
): Omit<Options, "verified"> {
  const { verified, ...wishes } = schema.parse(options);
  trustVerified(verified);
  return wishes;
}
