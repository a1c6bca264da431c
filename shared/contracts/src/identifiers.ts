/** Identifiers are NATS subject tokens: letters, digits, `-` and `_`, so that nothing a caller sends can widen a subject. */
import * as z from "zod";

export const tokenSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 letters, digits, '-' or '_'");

export const batchIdSchema = tokenSchema;
export const itemIdSchema = tokenSchema;
export const fileIdSchema = z
  .string() // 96 first: `queue_transcribe_` and a batch id of any length.
  .regex(/^[A-Za-z0-9_-]{1,96}(\.[A-Za-z0-9_-]{1,64}){0,2}$/, "is not a file id");

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
