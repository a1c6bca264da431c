/**
 * Mono PCM16 to an audio file or stream, piece by piece: the same bytes however the sound is cut into pushes.
 *
 * Each format loads its library when it is first asked for, so that who never encodes pays nothing. An encoder holds a window of
 * the sound and nothing that outlives it.
 */
import { contentTypeOf, type SpeechFormat } from "@parlance/contracts";
import type { EncodeOptions, Encoder, OpenEncoder } from "./encoder.ts";

export type { EncodeOptions, Encoder } from "./encoder.ts";

export interface AudioEncoder extends Encoder {
  readonly contentType: string;
}

/** One line a format. */
const encoders: Record<SpeechFormat, () => Promise<OpenEncoder>> = {
  wav: async () => (await import("./wav.ts")).openWav,
  pcm: async () => (await import("./pcm.ts")).openPcm,
  flac: async () => (await import("./flac.ts")).openFlac,
  mp3: async () => (await import("./mp3.ts")).openMp3,
  opus: async () => (await import("./opus.ts")).openOpus,
};

/** Longest stretch that a codec sees at once: its memory stays small however much is pushed. */
const SLICE = 16_384;
const NOTHING = new Uint8Array(0);

/** Throws a SpeechError `format_unsupported` when the format's codec was left out of this installation. */
export async function encodeAudio(format: SpeechFormat, options: EncodeOptions): Promise<AudioEncoder> {
  const open = await encoders[format]();
  const encoder = await open(options);
  let pushed = 0;
  return {
    contentType: contentTypeOf[format],
    push(samples) {
      pushed += samples.length;
      if (samples.length <= SLICE) return samples.length === 0 ? NOTHING : encoder.push(samples);
      const parts: Uint8Array[] = [];
      for (let at = 0; at < samples.length; at += SLICE) parts.push(encoder.push(samples.subarray(at, at + SLICE)));
      return Buffer.concat(parts);
    },
    end() {
      if (options.samples === undefined || options.samples === pushed) return encoder.end();
      encoder.close();
      throw new RangeError(`${options.samples} samples were announced and ${pushed} came`);
    },
    close: () => encoder.close(),
  };
}
