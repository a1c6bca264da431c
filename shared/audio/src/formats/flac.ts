/** FLAC frames by libFLAC (as WebAssembly). STREAMINFO tells how many samples there must be. */
import { SpeechError } from "@parlance/contracts";
import { mixToMono, type Pcm } from "../samples/pcm.ts";
import { readFlacFrames } from "./flac-frames.ts";
import type { Decode } from "./format.ts";

export const decodeFlac: Decode = async function* (reader, context) {
  const seconds = readStreamInfoSeconds(await reader.peek(42));
  if (seconds !== undefined) context.declare(seconds, 0.001);
  yield* decodeFlacFrames(readFlacFrames(reader));
};

/** Frame by frame: one of silence is 14 bytes and decodes to 65 535 samples of each channel. */
export async function* decodeFlacFrames(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Pcm, void> {
  const { FLACDecoder } = await import("@wasm-audio-decoders/flac");
  const decoder = new FLACDecoder();
  await decoder.ready;
  try {
    for await (const frame of frames) {
      const { channelData, sampleRate, errors } = await decoder.decodeFrames([frame]);
      if (errors[0] !== undefined) {
        throw new SpeechError("audio_corrupt", `A FLAC frame could not be decoded (${errors[0].message}).`);
      }
      if ((channelData[0]?.length ?? 0) > 0) yield { sampleRate, samples: mixToMono(channelData) };
    }
  } finally {
    decoder.free();
  }
}

function readStreamInfoSeconds(head: Uint8Array): number | undefined {
  if (head.length < 26 || ((head[4] ?? 0) & 127) !== 0) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const rate = view.getUint32(18) >>> 12;
  const samples = (view.getUint8(21) & 15) * 2 ** 32 + view.getUint32(22);
  return rate > 0 && samples > 0 ? samples / rate : undefined;
}
