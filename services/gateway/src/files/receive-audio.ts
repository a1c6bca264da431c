/**
 * Takes the audio of a request. What fits a message stays in memory and rides inside it, without a trip through the
 * object store; the rest streams into `files`. The memory of all requests together is bounded: beyond it everything
 * streams.
 */
import type { FileStore } from "@parlance/bus";
import { SpeechError, timedId } from "@parlance/contracts";
import type { FormFile } from "../http/form.ts";

export type ReceivedAudio = { kind: "inline"; bytes: Buffer } | { kind: "stored"; fileId: string };

export interface ReceiveAudioOptions {
  files: FileStore;
  maxBytes: number;
  /** Largest audio that stays in memory. */
  inlineBytes: () => number;
  now: () => number;
  /** Bytes that all requests together may hold in memory. */
  memoryBytes?: number;
}

export interface AudioReceiver {
  receive(file: FormFile): Promise<ReceivedAudio>;
  /** Streams into `files`, whatever the size. */
  store(file: FormFile): Promise<{ fileId: string; bytes: number }>;
  /** Gives the memory back, or deletes the file of a request that comes to nothing. */
  discard(audio: ReceivedAudio): Promise<void>;
}

export function createAudioReceiver(options: ReceiveAudioOptions): AudioReceiver {
  const { files, maxBytes, now, memoryBytes = 64 * 1_048_576 } = options;
  let held = 0;

  async function store(file: FormFile): Promise<{ fileId: string; bytes: number }> {
    const id = timedId(now());
    const { contentType, filename } = file;
    const { bytes } = await files.put({ id, contentType, filename, maxBytes }, file.content);
    if (bytes === 0) {
      await files.delete(id);
      throw new SpeechError("audio_empty");
    }
    return { fileId: id, bytes };
  }

  return {
    store,
    async receive(file) {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      const release = () => {
        held -= bytes;
        bytes = 0;
      };
      const content = file.content[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await content.next();
          if (next.done) break;
          chunks.push(next.value);
          bytes += next.value.length;
          held += next.value.length;
          if (bytes > options.inlineBytes() || held > memoryBytes) {
            const { fileId } = await store({ ...file, content: both(chunks, content, release) });
            return { kind: "stored", fileId };
          }
        }
        if (bytes === 0) throw new SpeechError("audio_empty");
        return { kind: "inline", bytes: Buffer.concat(chunks, bytes) };
      } catch (error) {
        release();
        throw error;
      }
    },
    async discard(audio) {
      if (audio.kind === "inline") held -= audio.bytes.length;
      else await files.delete(audio.fileId);
    },
  };
}

async function* both(
  chunks: Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  release: () => void,
): AsyncGenerator<Uint8Array, void> {
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) yield chunk;
  release();
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
