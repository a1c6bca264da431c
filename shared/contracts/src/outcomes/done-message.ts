/** An item's end as it is stored: its payload, and headers by which a status is told without it. Pure. */
import type { BatchRecord } from "../messages/entries.ts";
import { type DoneHeaders, oneLine, writeHeaders } from "../messages/headers.ts";
import type { ItemDone } from "../messages/payloads.ts";

/**
 * Transcripts up to this many bytes of JSON travel inside their done event, and are kept as long: half an hour to an hour of text
 * and segments, by what the model tells of them, a quarter of that with words.
 */
export const INLINE_TRANSCRIPT_BYTES = 128 * 1_024;

/** What its headers say. */
export function doneFacts(done: ItemDone): DoneHeaders {
  return {
    status: done.status,
    errorCode: done.error?.code,
    error: done.error && oneLine(done.error.message),
    customId: done.customId,
    queueSeconds: done.queueSeconds,
    runSeconds: done.runSeconds,
    worker: done.worker,
    attempts: done.attempts,
    file: done.audio?.file,
    seed: done.seed,
  };
}

/** @param batch of an item that is a batch of its own, which no other message tells of */
export function doneHeaders(done: ItemDone, batch?: BatchRecord): [name: string, value: string][] {
  return writeHeaders({ contentType: "application/json", ...doneFacts(done), batch });
}
