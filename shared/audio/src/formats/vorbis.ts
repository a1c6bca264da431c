/** Ogg Vorbis by libvorbis (as WebAssembly). */
import type { Pcm } from "../samples/pcm.ts";
import { runCodec } from "./chunk-codec.ts";

/** `chunks` are Ogg pages, whole or in pieces. */
export async function* decodeVorbisBytes(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Pcm, void> {
  const { decoder } = await import("@audio/decode-vorbis");
  yield* runCodec(await decoder(), chunks);
}
