/**
 * Publishes the one terminal event of an item. The first event that the stream takes is the item's for ever; a second
 * one, from a redelivery, a second instance or a cancel that came too late, is refused by the server and changes nothing.
 */
import type { Bus, FileStore } from "@parlance/bus";
import {
  type ItemDone,
  oneLine,
  SpeechError,
  streams,
  subjects,
  transcriptFileId,
  writeHeaders,
} from "@parlance/contracts";
import { readDoneHeaders } from "../batches/done-headers.ts";
import type { ItemSound } from "./fold-sound.ts";
import { SoundGone, storeSound } from "./store-sound.ts";

/**
 * Transcripts up to this many bytes of JSON travel inside their done event, and are kept as long: half an hour to an hour of text
 * and segments, by what the model tells of them, a quarter of that with words.
 */
export const INLINE_TRANSCRIPT_BYTES = 128 * 1_024;

/** `sound` is written to the item's file first; the event that is then stored names it. */
export type ConcludeItem = (
  done: ItemDone,
  sound?: ItemSound,
) => Promise<{ first: boolean; status: ItemDone["status"] }>;

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

  async function withSound(done: ItemDone, sound: ItemSound): Promise<ItemDone> {
    try {
      const audio = await storeSound(files, done, sound);
      return { ...done, audio, audioSeconds: audio.seconds };
    } catch (error) {
      if (!(error instanceof SoundGone)) throw error;
      const failure = new SpeechError("internal", error.message).toFailure();
      return { ...done, status: "error", error: failure };
    }
  }

  /** Whoever receives a segment again, or a cancelled item's last one, has nothing to encode. */
  async function statusBefore({ batchId, itemId }: ItemDone): Promise<ItemDone["status"] | undefined> {
    const event = await bus.last(streams.results, subjects.done(batchId, itemId));
    return event && readDoneHeaders(event.headers).status;
  }

  return async (done, sound) => {
    const before = sound === undefined ? undefined : await statusBefore(done);
    if (before !== undefined) return { first: false, status: before };
    const stored = sound === undefined ? await storeLarge(done) : await withSound(done, sound);
    const { duplicate } = await bus.publishOnce(subjects.done(done.batchId, done.itemId), JSON.stringify(stored), {
      first: true,
      headers: writeHeaders({
        contentType: "application/json",
        status: stored.status,
        errorCode: stored.error?.code,
        error: stored.error && oneLine(stored.error.message),
        customId: done.customId,
        queueSeconds: done.queueSeconds,
        runSeconds: done.runSeconds,
        worker: done.worker,
        attempts: done.attempts,
        file: stored.audio?.file,
        seed: stored.seed,
      }),
    });
    return { first: !duplicate, status: stored.status };
  };
}
