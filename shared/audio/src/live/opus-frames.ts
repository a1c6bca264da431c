/** Raw Opus packets of one session to samples at 16 kHz, by libopus (as WebAssembly); of several channels their mean. */
import { SAMPLE_RATE } from "@parlance/contracts";
import { mixToMono } from "../samples/pcm.ts";

export interface OpusFrames {
  /** Throws an Error that says why when the packet cannot be decoded. */
  decode(packet: Uint8Array): Float32Array;
  free(): void;
}

export async function createOpusFrames(): Promise<OpusFrames> {
  const { createOpusDecoder } = await import("@audio/decode-opus/core");
  const decoder = await createOpusDecoder();
  decoder.configure({ channels: 1, sampleRate: SAMPLE_RATE });
  return {
    decode(packet) {
      const { channelData, errors } = decoder.decodeFrames([packet]);
      if (errors[0] !== undefined) throw new Error(errors[0].message);
      return mixToMono(channelData);
    },
    free: () => decoder.free(),
  };
}
