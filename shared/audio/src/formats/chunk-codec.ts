/** The shape that the decoders of the @audio packages share: encoded bytes in, planar floats out, synchronously. */
import type { Pcm } from "../samples/pcm.ts";
import { mixToMono } from "../samples/pcm.ts";

export interface ChunkCodec {
  decode(bytes: Uint8Array): { channelData: Float32Array[]; sampleRate: number };
  flush?(): { channelData: Float32Array[]; sampleRate: number };
  free(): void;
}

/** Runs a codec over a stream of bytes and frees it, whatever happens. */
export async function* runCodec(codec: ChunkCodec, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Pcm, void> {
  try {
    for await (const bytes of chunks) yield* toPcm(codec.decode(bytes));
    if (codec.flush !== undefined) yield* toPcm(codec.flush());
  } finally {
    codec.free();
  }
}

function* toPcm({
  channelData,
  sampleRate,
}: {
  channelData: Float32Array[];
  sampleRate: number;
}): Generator<Pcm, void> {
  if ((channelData[0]?.length ?? 0) > 0) yield { sampleRate, samples: mixToMono(channelData) };
}
