/** A text to speak as the engine is given it, and the engine's answer as the segment's result. */
import {
  BYTES_PER_SAMPLE,
  languageSchema,
  operationSchema,
  REFERENCE_SAMPLE_RATE,
  type SegmentResult,
  SpeechError,
} from "@parlance/contracts";
import type { EngineJob, Json } from "@parlance/inference/engine";
import type { Job, JobContent, PassInfo } from "@parlance/worker";
import * as z from "zod";

/** What the engine is told of a text. Its payload is the reference: mono PCM16 at REFERENCE_SAMPLE_RATE, or nothing. */
export const textMetaSchema = z.object({
  operation: operationSchema,
  text: z.string(),
  language: languageSchema,
  voice: z.string().optional(),
  instructions: z.string(),
  speed: z.number(),
  referenceText: z.string().optional(),
});
export type TextMeta = z.infer<typeof textMetaSchema>;

/** What the engine says of a part of a spoken text, and of the whole of it, whose sound is the payload: mono PCM16. */
export const soundMetaSchema = z.object({ sampleRate: z.number() });
export const speechMetaSchema = soundMetaSchema.extend({ truncated: z.boolean() });

/** Throws when the payload is not a text with as much of a reference behind it as the headers say. */
export function toEngineJob({ address, headers, payload }: JobContent): EngineJob {
  const { language, voice, instructions, speed, referenceText, referenceSamples } = headers;
  const textBytes = payload.byteLength - referenceSamples * BYTES_PER_SAMPLE;
  if (textBytes <= 0) {
    throw new SpeechError(
      "job_invalid",
      `${payload.byteLength} bytes are not a text and a reference of ${referenceSamples} samples`,
    );
  }
  const text = readText(payload.subarray(0, textBytes));
  const meta: TextMeta = { operation: address.operation, text, language, voice, instructions, speed, referenceText };
  return { meta, payload: payload.subarray(textBytes), readsParts: headers.parts };
}

function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SpeechError("job_invalid", "the text is not UTF-8", { cause });
  }
}

/** @param audio the object that holds the sound, and how many samples it has */
export function toSegmentResult(
  job: Job,
  meta: Json,
  pass: PassInfo,
  audio: { id: string; samples: number },
): SegmentResult {
  const { address, headers } = job;
  return {
    operation: address.operation,
    outcome: "spoken",
    ...speechMetaSchema.parse(meta),
    audio: audio.id,
    samples: audio.samples,
    pauseMs: headers.pauseMs,
    format: headers.format,
    model: pass.engine.name,
    passSize: pass.size,
    last: headers.last,
    customId: headers.customId,
    submittedAt: headers.submittedAt,
    timestamps: false,
    ...(headers.warnings.length > 0 ? { warnings: headers.warnings } : {}),
    startedAt: pass.startedAt,
    finishedAt: pass.finishedAt,
  };
}

/** [samples] mono at REFERENCE_SAMPLE_RATE, as a view where the bytes are aligned; undefined when there is none. */
export function referenceOf(payload: Uint8Array, text: string | undefined) {
  if (payload.byteLength === 0) return undefined;
  const aligned = payload.byteOffset % BYTES_PER_SAMPLE === 0 ? payload : payload.slice();
  const samples = new Int16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / BYTES_PER_SAMPLE);
  return { samples, sampleRate: REFERENCE_SAMPLE_RATE, text };
}
