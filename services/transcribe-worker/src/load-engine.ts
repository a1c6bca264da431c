/** From the generic passes of the engine process to a speech recognition model, and back. */
import { type AsrOutcome, type AsrPart, loadAsrModel } from "@parlance/asr";
import {
  adaptPass,
  type EngineJob,
  type EngineLog,
  type EngineModel,
  type EngineOutcome,
  type Json,
} from "@parlance/inference";
import { trustVerified } from "@parlance/model-store";
import * as z from "zod";
import { segmentMetaSchema } from "./segment-job.ts";

export const engineOptionsSchema = z.object({
  modelId: z.string(),
  modelRoot: z.string().optional(),
  device: z.string(),
  computeType: z.enum(["auto", "int8", "float16", "float32"]),
  threads: z.number(),
  /** Files whose checksums the supervisor has verified. */
  verified: z.array(z.object({ path: z.string(), sha256: z.string(), identity: z.string() })).default([]),
  beamSize: z.number().optional(),
  languageModel: z.string().optional(),
  preparedFolder: z.string().optional(),
});
export type EngineOptions = z.infer<typeof engineOptionsSchema>;

export async function loadEngine(options: Json, log: EngineLog): Promise<EngineModel> {
  const { verified, ...wishes } = engineOptionsSchema.parse(options);
  trustVerified(verified);
  const model = await loadAsrModel({ ...wishes, log });
  return {
    description: { ...model.description },
    run: (pass) =>
      model.run(
        adaptPass(pass, {
          open: (job) => ({ row: toSegment(job) }),
          part: ({ text }: AsrPart) => ({ meta: { text } }),
          outcome: (outcome: AsrOutcome): EngineOutcome =>
            outcome.ok ? { ok: true, meta: { ...outcome.result, words: outcome.result.words.map(toJson) } } : outcome,
        }),
      ),
  };
}

function toSegment({ meta, payload }: EngineJob) {
  return { ...segmentMetaSchema.parse(meta), samples: samplesOf(payload) };
}

function toJson({ start, end, text }: { start: number; end: number; text: string }): Json {
  return { start, end, text };
}

/** [samples] 16 kHz mono, as a view where the bytes are aligned. */
function samplesOf(payload: Uint8Array): Int16Array {
  const aligned = payload.byteOffset % Int16Array.BYTES_PER_ELEMENT === 0 ? payload : payload.slice();
  return new Int16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / Int16Array.BYTES_PER_ELEMENT);
}
