/** An item's encoded audio: the message's own payload, or a file of the `files` bucket. */
import type { AudioSource } from "@parlance/audio";
import type { FileInfo, FileStore } from "@parlance/bus";
import { restNames, SpeechError, uploadedAt } from "@parlance/contracts";
import type { IntakeItem } from "../intake/intake-batch.ts";

export interface ItemAudioOptions {
  files: FileStore;
  fileTtlMs: number;
  /** When the batch was accepted: a file must not have expired by then. */
  acceptedAt: number;
}

/** Throws `file_not_found` and `file_expired`. */
export async function openItemAudio(audio: IntakeItem["audio"], options: ItemAudioOptions): Promise<AudioSource> {
  if (audio === undefined) throw new SpeechError("audio_empty", "The item has no audio.");
  if (audio.kind === "inline") {
    const { bytes } = audio;
    return {
      bytes: bytes.length,
      async *open() {
        yield bytes;
      },
    };
  }
  const { id } = audio;
  let opened: { info: FileInfo; content: AsyncIterable<Uint8Array> } | undefined = await readFile(id, options);
  return {
    bytes: opened.info.bytes,
    async *open() {
      const { content } = opened ?? (await readFile(id, options));
      opened = undefined;
      yield* content;
    },
  };
}

async function readFile(id: string, { files, fileTtlMs, acceptedAt }: ItemAudioOptions) {
  const file = await files.read(id);
  if (file === undefined) {
    if ((uploadedAt(id) ?? acceptedAt) + fileTtlMs < acceptedAt) throw expired(id);
    throw new SpeechError("file_not_found", `No file has the id ${id}.`, { param: restNames.reference });
  }
  if (file.info.createdAt + fileTtlMs < acceptedAt) throw expired(id);
  return file;
}

function expired(id: string): SpeechError {
  return new SpeechError("file_expired", `The file ${id} had expired when the item was submitted.`, {
    param: restNames.reference,
  });
}
