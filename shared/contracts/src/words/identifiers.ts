/** Identifiers are NATS subject tokens: letters, digits, `-` and `_`, so that nothing a caller sends can widen a subject. */
import * as z from "zod";
import { type Operation, operationSchema, type SpeechFormat, speechFormatSchema } from "./words.ts";

export const tokenSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, '-' or '_'");

export const batchIdSchema = tokenSchema;
export const itemIdSchema = tokenSchema;
export const fileIdSchema = z
  .string() // 96 first: `queue_transcribe_` and a batch id of any length.
  .regex(/^[A-Za-z0-9_-]{1,96}(\.[A-Za-z0-9_-]{1,64}){0,2}$/, "is not a file id");

/** When an upload got its id, in milliseconds since the epoch: a UUIDv7 tells, even after the file is gone. Undefined for other ids. */
export function uploadedAt(fileId: string): number | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.exec(fileId);
  return match ? Number.parseInt(`${match[1]}${match[2]}`, 16) : undefined;
}

/** The caller's own name for an item: any printable text, at most 256 characters. */
export const customIdSchema = z
  .string()
  .min(1)
  .max(256)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  .regex(/^[^\u0000-\u001f\u007f]*$/, "must not contain control characters");

/** The file id under which an item's transcript is served: always a `fileIdSchema`. */
export function transcriptFileId(batchId: string, itemId: string): string {
  return `queue_transcribe_${batchId}.${itemId}.json`;
}

/** The item whose transcript a file id names; undefined when it names another kind of file. */
export function parseTranscriptFileId(fileId: string): { batchId: string; itemId: string } | undefined {
  const [, batchId, itemId] =
    /^queue_transcribe_([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,64})\.json$/.exec(fileId) ?? [];
  return batchId === undefined || itemId === undefined ? undefined : { batchId, itemId };
}

/** The file id of a spoken item's audio: always a `fileIdSchema`. */
export function audioFileId(operation: Operation, batchId: string, itemId: string, format: SpeechFormat): string {
  return `queue_${operation}_${batchId}.${itemId}.${format}`;
}

/** The item whose audio a file id names; undefined when it names another kind of file. */
export function parseAudioFileId(
  fileId: string,
): { operation: Operation; batchId: string; itemId: string; format: SpeechFormat } | undefined {
  const [, name, batchId, itemId, ext] =
    /^queue_(custom_voice|voice_design|voice_clone)_([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,64})\.([a-z0-9]+)$/.exec(
      fileId,
    ) ?? [];
  const operation = operationSchema.safeParse(name);
  const format = speechFormatSchema.safeParse(ext);
  if (!operation.success || !format.success || batchId === undefined || itemId === undefined) return undefined;
  return { operation: operation.data, batchId, itemId, format: format.data };
}

/** The object of the `files` bucket that holds the PCM16 of one spoken segment. */
export function segmentFileId(batchId: string, itemId: string, n: number): string {
  return `segment_${batchId}.${itemId}.${n}`;
}

/** Undefined when a file id is not a spoken segment's. */
export function parseSegmentFileId(fileId: string): { batchId: string; itemId: string; n: number } | undefined {
  const [, batchId, itemId, n] = /^segment_([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{1,64})\.(\d{1,9})$/.exec(fileId) ?? [];
  return batchId === undefined || itemId === undefined ? undefined : { batchId, itemId, n: Number(n) };
}
