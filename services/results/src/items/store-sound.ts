/**
 * An item's segments joined with their pauses and written as one file, of any length in little memory: what is read of a
 * segment is encoded and on its way before more is read.
 */
import { setImmediate as turn } from "node:timers/promises";
import { encodeAudio } from "@parlance/audio/encode";
import { createResampler, fromPcm16, toPcm16 } from "@parlance/audio/samples";
import type { FileStore } from "@parlance/bus";
import {
  audioFileId,
  BYTES_PER_SAMPLE,
  contentTypeOf,
  type ItemAddress,
  type ItemDone,
  SpeechError,
} from "@parlance/contracts";
import type { ItemSound, SoundPart } from "./fold-sound.ts";

export type StoredSound = NonNullable<ItemDone["audio"]>;

/** Samples that are encoded in one go: other work has its turn in between. */
const SLICE = 16_384;
const PCM_RATE = 24_000;

/**
 * The file is there when this resolves. A file that is there already stays as it is: it holds the same sound, and writing it
 * again would take it away under whoever reads it. Throws `internal` without a hint to try again when a segment is gone.
 */
export async function storeSound(files: FileStore, address: ItemAddress, sound: ItemSound): Promise<StoredSound> {
  const { operation, format, sampleRate } = sound;
  const id = audioFileId(operation, address.batchId, address.itemId, format);
  const samples = await countSamples(files, sound);
  if ((await files.info(id)) === undefined) {
    const file = { id, contentType: contentTypeOf[format], filename: id, maxBytes: Number.MAX_SAFE_INTEGER };
    await files.put(file, encode(files, sound, samples));
  }
  return {
    file: id,
    contentType: contentTypeOf[format],
    seconds: Math.round((samples / sampleRate) * 1_000) / 1_000,
    sampleRate: format === "pcm" ? PCM_RATE : sampleRate,
  };
}

/** A segment's sound is stored before its result, so one that is missing has expired and will not come back. */
export class SoundGone extends Error {
  override readonly name = "SoundGone";
}

async function countSamples(files: FileStore, { parts, sampleRate }: ItemSound): Promise<number> {
  let samples = 0;
  for (const { file, sampleRate: rate, pause } of parts) {
    const info = await files.info(file);
    if (info === undefined) throw new SoundGone(`The sound of a segment (${file}) is no longer stored.`);
    samples += Math.ceil(((info.bytes / BYTES_PER_SAMPLE) * sampleRate) / rate) + pause;
  }
  return samples;
}

async function* encode(files: FileStore, sound: ItemSound, samples: number): AsyncGenerator<Uint8Array, void> {
  const encoder = await encodeAudio(sound.format, { sampleRate: sound.sampleRate, samples });
  try {
    for (const part of sound.parts) {
      for await (const stretch of soundOf(files, part, sound.sampleRate)) {
        for (let at = 0; at < stretch.length; at += SLICE) {
          yield encoder.push(stretch.subarray(at, at + SLICE));
          await turn();
        }
      }
    }
    yield encoder.end();
  } finally {
    encoder.close();
  }
}

/** A segment and the silence behind it, in samples of the whole. */
async function* soundOf(
  files: FileStore,
  { file, sampleRate, pause }: SoundPart,
  wholeRate: number,
): AsyncGenerator<Int16Array, void> {
  const stored = await files.read(file);
  if (stored === undefined) throw new SpeechError("file_not_found", `The file ${file} is gone.`);
  if (sampleRate === wholeRate) yield* samplesOf(stored.content);
  else {
    // The model was changed between two segments of one item.
    const resampler = createResampler(sampleRate, wholeRate);
    for await (const stretch of samplesOf(stored.content)) yield toPcm16(resampler.push(fromPcm16(stretch)));
    yield toPcm16(resampler.end());
  }
  if (pause > 0) yield new Int16Array(pause);
}

/** Bytes in whatever pieces they come, as whole samples. */
async function* samplesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Int16Array, void> {
  let left = new Uint8Array(0);
  for await (const chunk of content) {
    const bytes = new Uint8Array(left.length + chunk.length);
    bytes.set(left);
    bytes.set(chunk, left.length);
    const whole = bytes.length - (bytes.length % BYTES_PER_SAMPLE);
    yield new Int16Array(bytes.buffer, 0, whole / BYTES_PER_SAMPLE);
    left = bytes.slice(whole);
  }
}
