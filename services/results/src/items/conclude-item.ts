/**
 * Publishes the one terminal event of an item. The first event that the stream takes is the item's for ever; a second
 * one, from a redelivery, a second instance or a cancel that came too late, is refused by the server and changes nothing.
 */
import type { Bus, FileStore } from "@parlance/bus";
import {
  type DoneHeaders,
  doneFacts,
  doneHeaders,
  INLINE_TRANSCRIPT_BYTES,
  type ItemDone,
  SpeechError,
  streams,
  subjects,
  transcriptFileId,
} from "@parlance/contracts";
import { readDoneHeaders } from "../batches/done-headers.ts";
import { createOwnEnds, type OwnEnds } from "../batches/own-ends.ts";
import type { ItemSound } from "./fold-sound.ts";
import { createRoomForEnds } from "./room-for-ends.ts";
import { SoundGone, storeSound } from "./store-sound.ts";

/** `sound` is written to the item's file first; the event that is then stored names it. */
export type ConcludeItem = (done: ItemDone, sound?: ItemSound) => Promise<{ first: boolean; said: DoneHeaders }>;

export interface ConcludeItemOptions {
  bus: Bus;
  files: FileStore;
  /** Who wants to know what is published here. */
  ownEnds?: OwnEnds;
}

export function createConcludeItem({ bus, files, ownEnds = createOwnEnds() }: ConcludeItemOptions): ConcludeItem {
  const room = createRoomForEnds(bus);

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
  async function saidBefore({ batchId, itemId }: ItemDone): Promise<DoneHeaders | undefined> {
    const event = await bus.last(streams.results, subjects.done(batchId, itemId));
    return event && readDoneHeaders(event.headers);
  }

  return async (done, sound) => {
    const before = sound === undefined ? undefined : await saidBefore(done);
    if (before !== undefined) return { first: false, said: before };
    const stored = sound === undefined ? await storeLarge(done) : await withSound(done, sound);
    const payload = JSON.stringify(stored);
    const letGo = await room.take(Buffer.byteLength(payload));
    if (letGo === undefined) {
      // Its event may be there, and its batch be without its summary: that finds room.
      const said = await saidBefore(done);
      if (said === undefined) throw new SpeechError("queue_full", "There is no room for an item's end at the moment.");
      return { first: false, said };
    }
    const settled = ownEnds.begin(done.batchId, done.itemId);
    const said = doneFacts(stored);
    const event = { first: true, headers: doneHeaders(stored) };
    let first = false;
    try {
      first = !(await bus.publishOnce(subjects.done(done.batchId, done.itemId), payload, event)).duplicate;
    } finally {
      letGo();
      settled(first ? said : undefined);
    }
    return { first, said };
  };
}
