/**
 * Publishes the one terminal event of an item. The first event that the stream takes is the item's for ever; a second
 * one, from a redelivery, a second instance or a cancel that came too late, is refused by the server and changes nothing.
 */
import type { Bus, FileStore } from "@parlance/bus";
import { type ItemDone, subjects, transcriptFileId, writeHeaders } from "@parlance/contracts";

/** Transcripts up to this many bytes of JSON travel inside their done event. */
export const INLINE_TRANSCRIPT_BYTES = 32 * 1_024;

export type ConcludeItem = (done: ItemDone, signal?: AbortSignal) => Promise<{ first: boolean }>;

export function createConcludeItem({ bus, files }: { bus: Bus; files: FileStore }): ConcludeItem {
  /** The file is written before the event that names it, so an event never names a file that is not there. */
  async function storeLarge(done: ItemDone): Promise<ItemDone> {
    if (done.transcript === undefined) return done;
    const content = Buffer.from(JSON.stringify(done.transcript));
    if (content.length <= INLINE_TRANSCRIPT_BYTES) return done;
    const { transcript, ...rest } = done;
    const id = transcriptFileId(done.batchId, done.itemId);
    // Writing an object again takes the chunks away under whoever reads it. It holds the same text: let it stand.
    if ((await files.info(id)) === undefined) {
      await files.put(
        { id, contentType: "application/json", filename: id, maxBytes: content.length },
        (async function* () {
          yield content;
        })(),
      );
    }
    return { ...rest, file: id };
  }

  return async (done, signal) => {
    const stored = await storeLarge(done);
    const { duplicate } = await bus.publishOnce(subjects.done(done.batchId, done.itemId), JSON.stringify(stored), {
      first: true,
      headers: writeHeaders({
        contentType: "application/json",
        status: done.status,
        errorCode: done.error?.code,
        error: done.error && oneLine(done.error.message),
        customId: done.customId,
        queueSeconds: done.queueSeconds,
        runSeconds: done.runSeconds,
      }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { first: !duplicate };
  };
}

/** A header is one line. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this takes out
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, " ").trim();
}
