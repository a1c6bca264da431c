/** What OpenAI calls pcm: 24 kHz, signed 16-bit little-endian, mono, no header. */
import { fromPcm16, samplesAsBytes, toPcm16 } from "../samples/pcm.ts";
import { createResampler } from "../samples/resample.ts";
import type { OpenEncoder } from "./encoder.ts";

const PCM_RATE = 24_000;

export const openPcm: OpenEncoder = ({ sampleRate }) => {
  if (sampleRate === PCM_RATE) {
    return {
      push: (pcm) => Uint8Array.from(samplesAsBytes(pcm)),
      end: () => new Uint8Array(0),
      close: () => undefined,
    };
  }
  const resampler = createResampler(sampleRate, PCM_RATE);
  return {
    push: (pcm) => samplesAsBytes(toPcm16(resampler.push(fromPcm16(pcm)))),
    end: () => samplesAsBytes(toPcm16(resampler.end())),
    close: () => undefined,
  };
};
