/** A transcribe job as the engine is given it, and the engine's answer as the segment's result. */
import {
  BYTES_PER_SAMPLE,
  languageSchema,
  type Part,
  partSchema,
  SAMPLE_RATE,
  type SegmentResult,
  SpeechError,
  textStretchSchema,
  tokenScoreSchema,
  wordSchema,
} from "@parlance/contracts";
import type { EngineJob, Json } from "@parlance/inference/engine";
import type { Job, JobContent, PassInfo } from "@parlance/worker";
import * as z from "zod";

/** What the engine is told of a segment beside its samples. */
export const segmentMetaSchema = z.object({
  language: languageSchema,
  timestamps: z.boolean(),
  hotwords: z.array(z.string()),
  phrases: z.array(z.string()),
  context: z.string(),
  translate: z.boolean().default(false),
  temperature: z.number().default(0),
  logprobs: z.boolean().default(false),
});

/** What the engine says of a segment. */
export const transcriptionSchema = z.object({
  text: z.string(),
  language: z.string(),
  words: z.array(wordSchema),
  stretches: z.array(textStretchSchema),
  tokens: z.array(tokenScoreSchema).optional(),
  score: z.number().nullable(),
  truncated: z.boolean(),
});
export type Transcription = z.infer<typeof transcriptionSchema>;

/** Throws when the payload cannot be PCM16. */
export function toEngineJob({ headers, payload }: Pick<JobContent, "headers" | "payload">): EngineJob {
  if (payload.byteLength === 0 || payload.byteLength % BYTES_PER_SAMPLE !== 0) {
    throw new SpeechError("job_invalid", `${payload.byteLength} bytes are not 16-bit samples`);
  }
  const { language, timestamps, hotwords, phrases, context, translate, temperature, logprobs } = headers;
  const meta = {
    ...{ language, timestamps, hotwords, phrases, context, translate, temperature, logprobs },
  } satisfies z.infer<typeof segmentMetaSchema>;
  return { meta, payload, readsParts: headers.parts };
}

/** What the engine tells of a segment before it ends. */
export function toPart({ meta }: { meta: Json }, { model }: { model: string }): Part {
  return { ...partSchema.parse(meta), model };
}

export function toSegmentResult(job: Job, { meta }: { meta: Json }, pass: PassInfo): SegmentResult {
  const { headers, payload } = job;
  const samples = headers.samples ?? payload.byteLength / BYTES_PER_SAMPLE;
  return {
    operation: job.address.operation,
    outcome: "ok",
    ...transcriptionSchema.parse(meta),
    start: headers.start / SAMPLE_RATE,
    duration: samples / SAMPLE_RATE,
    model: pass.engine.name,
    passSize: pass.size,
    last: headers.last,
    customId: headers.customId,
    submittedAt: headers.submittedAt,
    timestamps: headers.timestamps,
    ...(headers.warnings.length > 0 ? { warnings: headers.warnings } : {}),
    startedAt: pass.startedAt,
    finishedAt: pass.finishedAt,
  };
}
