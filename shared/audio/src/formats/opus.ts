/** Opus packets to audio by libopus (as WebAssembly), straight at 16 kHz: no resampling, and less work than 48 kHz. */
import { SAMPLE_RATE, SpeechError } from "@parlance/contracts";
import type { Pcm } from "../samples/pcm.ts";
import { mixToMono } from "../samples/pcm.ts";

export interface OpusStream {
  /** Samples per second of granule positions over those of the output. */
  decode(packets: Uint8Array[]): Pcm;
  free(): void;
}

/** Opus counts in 48 kHz samples whatever it decodes to. */
export const OPUS_CLOCK = 48_000;
export const CLOCK_RATIO = OPUS_CLOCK / SAMPLE_RATE;

/** `head` is the OpusHead packet (RFC 7845, 5.1). */
export async function createOpusStream(head: Uint8Array): Promise<OpusStream> {
  const options = readOpusHead(head);
  const { createOpusDecoder } = await import("@audio/decode-opus/core");
  const decoder = await createOpusDecoder();
  try {
    decoder.configure({ ...options, sampleRate: SAMPLE_RATE, preSkip: 0 });
  } catch (cause) {
    decoder.free();
    throw new SpeechError("audio_corrupt", "The Opus header is not valid.", { cause });
  }
  let skip = Math.round(options.preSkip / CLOCK_RATIO);
  return {
    decode(packets) {
      const { channelData, errors } = decoder.decodeFrames(packets);
      if (errors[0] !== undefined) {
        throw new SpeechError("audio_corrupt", `An Opus packet could not be decoded (${errors[0].message}).`);
      }
      const samples = mixToMono(channelData);
      const skipped = Math.min(skip, samples.length);
      skip -= skipped;
      return { sampleRate: SAMPLE_RATE, samples: samples.subarray(skipped) };
    },
    free: () => decoder.free(),
  };
}

function readOpusHead(head: Uint8Array) {
  if (head.length < 19 || Buffer.from(head.subarray(0, 8)).toString("latin1") !== "OpusHead") {
    throw new SpeechError("audio_corrupt", "The Opus stream has no valid header.");
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const channels = view.getUint8(9);
  const layout =
    view.getUint8(18) === 0 || head.length < 21 + channels
      ? {}
      : {
          streamCount: view.getUint8(19),
          coupledStreamCount: view.getUint8(20),
          channelMappingTable: Array.from(head.subarray(21, 21 + channels)),
        };
  return { channels, preSkip: view.getUint16(10, true), ...layout };
}
