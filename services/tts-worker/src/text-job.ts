/** A text to speak as the engine is given it, and the engine's answer as the segment's result. */
import {
  BYTES_PER_SAMPLE,
  languageSchema,
  operationSchema,
  REFERENCE_SAMPLE_RATE,
  referenceIdSchema,
  type SegmentResult,
  SpeechError,
  seedOf,
  seedSchema,
} from "@parlance/contracts";
import type { EngineJob, Json } from "@parlance/inference/engine";
import type { VoiceReference } from "@parlance/tts";
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
  seed: seedSchema,
  /** Of a row whose payload is a recording to imitate. */
  reference: z.object({ id: referenceIdSchema, text: z.string().optional() }).optional(),
});
export type TextMeta = z.infer<typeof textMetaSchema>;

/** What the engine says of a part of a spoken text, and of the whole of it, whose sound is the payload: mono PCM16. */
export const soundMetaSchema = z.object({ sampleRate: z.number() });
export const speechMetaSchema = soundMetaSchema.extend({ truncated: z.boolean() });

/** Its payload is empty: a recording to imitate is fetched (fetch-reference.ts). Throws when the message's payload is no text. */
export function toEngineJob({ address, headers, payload }: JobContent): EngineJob {
  const { operation, batchId, itemId } = address;
  const { language, instructions, speed, seed = seedOf(batchId, itemId), referenceText } = headers;
  if (payload.byteLength === 0) throw new SpeechError("job_invalid", "there is no text to speak");
  const text = readText(payload);
  const clones = operation === "voice_clone";
  const meta: TextMeta = {
    ...{ operation, text, language, instructions, speed, seed },
    // Of a clone it is where the reference comes from, and nothing that a model has.
    voice: clones ? undefined : headers.voice,
    reference: clones && headers.reference !== undefined ? { id: headers.reference, text: referenceText } : undefined,
  };
  return { meta, payload: new Uint8Array(), readsParts: headers.parts };
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
    seed: headers.seed ?? seedOf(address.batchId, address.itemId),
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
export function referenceOf(payload: Uint8Array, reference: TextMeta["reference"]): VoiceReference | undefined {
  if (reference === undefined) return undefined;
  const aligned = payload.byteOffset % BYTES_PER_SAMPLE === 0 ? payload : payload.slice();
  const samples = new Int16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / BYTES_PER_SAMPLE);
  return { id: reference.id, samples, sampleRate: REFERENCE_SAMPLE_RATE, text: reference.text };
}
