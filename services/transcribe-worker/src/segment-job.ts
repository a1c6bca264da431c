/** A transcribe job, or a window, as the engine is given it, and the engine's answer as the segment's result, or as what was heard. */
import {
  BYTES_PER_SAMPLE,
  heardWindowSchema,
  languageSchema,
  type Part,
  partSchema,
  SAMPLE_RATE,
  type SegmentResult,
  SpeechError,
  textStretchSchema,
  tokenScoreSchema,
  type WindowHeaders,
  windowMemorySchema,
  wordSchema,
} from "@parlance/contracts";
import type { EngineJob, Json } from "@parlance/inference/engine";
import type { Job, JobContent, PassInfo, ToHeard, WindowContent } from "@parlance/worker";
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
  /** It is a window of live speech. `memory`: of the answer before. */
  window: z.object({ memory: windowMemorySchema.optional() }).optional(),
});
type SegmentMeta = z.infer<typeof segmentMetaSchema>;

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
  requireSamples(payload);
  return { meta: wishesOf(headers), payload, readsParts: headers.parts };
}

/** Throws when the payload cannot be PCM16. What is heard in a window is told as a whole: it has no parts. */
export function toEngineWindow({ headers, payload }: WindowContent): EngineJob {
  requireSamples(payload);
  const { memory } = headers;
  const window = memory === undefined ? {} : { memory };
  return { meta: { ...wishesOf(headers), window } satisfies SegmentMeta, payload, readsParts: false };
}

function requireSamples({ byteLength }: Uint8Array): void {
  if (byteLength > 0 && byteLength % BYTES_PER_SAMPLE === 0) return;
  throw new SpeechError("job_invalid", `${byteLength} bytes are not 16-bit samples`);
}

function wishesOf(headers: JobContent["headers"] | WindowHeaders) {
  const { language, timestamps, hotwords, phrases, context, translate, temperature, logprobs } = headers;
  return {
    ...{ language, timestamps, hotwords, phrases, context, translate, temperature, logprobs },
  } satisfies SegmentMeta;
}

/** What the engine tells of a segment before it ends. */
export function toPart({ meta }: { meta: Json }, { model }: { model: string }): Part {
  return { ...partSchema.parse(meta), model };
}

const heardSchema = z.object({ heard: heardWindowSchema, language: z.string() });

/** What the engine heard in a window. */
export const toHeard: ToHeard = ({ meta }) => {
  const { heard, language } = heardSchema.parse(meta);
  return { ...heard, language };
};

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
