/**
 * AAC, from MP4 packets or as a bare ADTS stream.
 *
 * Licences: Parlance is MIT and no permissive AAC decoder is to be had on npm. FAAD2 (`@audio/decode-aac`, WebAssembly) is
 * GPL-2.0: it is an optional dependency that nothing but the decoder process loads. Who leaves it out (`npm ci --omit=optional`)
 * gets AAC through the ffmpeg program of the system, and a clear error where there is none. Both see only AAC
 * frames: the container is taken apart before, so that an index at the end of a file makes no difference.
 */
import { SpeechError } from "@parlance/contracts";
import type { EncodedPacket } from "mediabunny";
import { type Pcm, trimStart } from "../samples/pcm.ts";
import { type ByteReader, remaining } from "./byte-reader.ts";
import { runCodec } from "./chunk-codec.ts";
import { decodeByFfmpeg } from "./ffmpeg.ts";
import type { Decode } from "./format.ts";

const SLICE = 4_096;

export const decodeAac: Decode = async function* (reader: ByteReader) {
  const aac = await loadDecoder();
  if (aac === undefined) yield* decodeByFfmpeg(remaining(reader, SLICE));
  else yield* runCodec(await aac.decoder(), remaining(reader, SLICE));
};

/** `config` is the AudioSpecificConfig; without it the packets are ADTS frames. `priming`: seconds to drop from the beginning. */
export async function* decodeAacPackets(
  packets: AsyncIterable<EncodedPacket>,
  config: Uint8Array | undefined,
  priming: number,
): AsyncGenerator<Pcm, void> {
  const aac = await loadDecoder();
  const data = packetBytes(packets);
  if (config === undefined) yield* aac === undefined ? decodeByFfmpeg(data) : runCodec(await aac.decoder(), data);
  else if (aac === undefined) yield* trimStart(decodeByFfmpeg(toAdts(data, config)), priming);
  // FAAD2 keeps its first frame to itself, which its own trimming takes into account.
  else yield* runCodec(await aac.decoder({ asc: config, gapless: { start: priming } }), data);
}

async function loadDecoder(): Promise<typeof import("@audio/decode-aac") | undefined> {
  try {
    return await import("@audio/decode-aac");
  } catch {
    return undefined;
  }
}

async function* packetBytes(packets: AsyncIterable<EncodedPacket>): AsyncGenerator<Uint8Array, void> {
  for await (const { data } of packets) yield data;
}

/** Each frame behind the 7-byte header that lets a decoder do without the container (ISO/IEC 13818-7, 6.2). */
export async function* toAdts(frames: AsyncIterable<Uint8Array>, config: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const [a = 0, b = 0] = config;
  const objectType = a >> 3;
  const rateIndex = ((a & 7) << 1) | (b >> 7);
  const channels = (b >> 3) & 15;
  if (objectType === 31 || rateIndex === 15 || channels > 7) {
    throw new SpeechError("audio_unsupported", "This kind of AAC is not supported.");
  }
  // ADTS knows the object types 1 to 4; HE-AAC says the rest of itself inside its frames.
  const profile = Math.min(objectType, 2) - 1;
  for await (const frame of frames) {
    const length = frame.length + 7;
    const adts = new Uint8Array(length);
    adts.set([
      0xff,
      0xf1,
      (profile << 6) | (rateIndex << 2) | (channels >> 2),
      ((channels & 3) << 6) | (length >> 11),
      (length >> 3) & 255,
      ((length & 7) << 5) | 0x1f,
      0xfc,
    ]);
    adts.set(frame, 7);
    yield adts;
  }
}
