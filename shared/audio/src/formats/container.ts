/**
 * WebM, Matroska, MP4, M4A and QuickTime: mediabunny finds the first audio track and its packets, and each codec has its decoder.
 *
 * A container is read as a stream, except an MP4 whose index (moov) lies behind the media: that one is held encoded, whole,
 * which MAX_AUDIO_BYTES bounds. (Through a pipe ffmpeg decodes such a file to nothing and exits 0.)
 */
import { SpeechError } from "@parlance/contracts";
import type { EncodedPacket, InputAudioTrack } from "mediabunny";
import { type Pcm, trimStart } from "../samples/pcm.ts";
import { decodeAacPackets } from "./aac.ts";
import { type ByteReader, remaining } from "./byte-reader.ts";
import { runCodec } from "./chunk-codec.ts";
import { decodeFlacFrames } from "./flac.ts";
import type { Decode, DecodeContext } from "./format.ts";
import { createPageWriter } from "./ogg-pages.ts";
import { createOpusStream, OPUS_CLOCK } from "./opus.ts";
import { decodeVorbisBytes } from "./vorbis.ts";

/** How far back a stream can be looked at again. Interleaved video lies between the packets of the audio. */
const LOOK_BACK_BYTES = 32 * 1_048_576;

export const decodeContainer: Decode = async function* (reader, context) {
  const { ALL_FORMATS, BufferSource, EncodedPacketSink, Input, ReadableStreamSource } = await import("mediabunny");
  const source = (await indexIsLast(reader))
    ? new BufferSource(await readWhole(reader))
    : new ReadableStreamSource(ReadableStream.from(remaining(reader)), { maxCacheSize: LOOK_BACK_BYTES });
  const input = new Input({ formats: ALL_FORMATS, source });
  try {
    const track = await input.getPrimaryAudioTrack();
    if (track === null) throw new SpeechError("audio_unsupported", "The file holds no audio track.");
    await declareDuration(track, context);
    const packets = new EncodedPacketSink(track).packets(undefined, undefined, { skipLiveWait: true });
    yield* decodeTrack(track, packets, Math.max(0, -(await track.getFirstTimestamp())));
  } finally {
    input.dispose();
  }
};

/**
 * Encoders begin before the sound: packets whose time is negative, `priming` seconds of them, are not part of the audio.
 * Opus streams say so in their header as well, and the decoder obeys that.
 */
async function* decodeTrack(
  track: InputAudioTrack,
  packets: AsyncIterable<EncodedPacket>,
  priming: number,
): AsyncGenerator<Pcm, void> {
  const codec = await track.getCodec();
  const description = toBytes((await track.getDecoderConfig())?.description);
  if (codec === "aac") yield* decodeAacPackets(packets, description, priming);
  else if (codec === "opus") yield* decodeOpusPackets(packets, description ?? (await plainOpusHead(track)));
  else if (codec === "vorbis" && description !== undefined) {
    const pages = vorbisPages(packets, description, await track.getSampleRate());
    yield* trimStart(decodeVorbisBytes(pages), priming);
  } else if (codec === "flac") yield* decodeFlacFrames(packetBytes(packets));
  else if (codec === "mp3") {
    const { decoder } = await import("@audio/decode-mp3");
    yield* trimStart(runCodec(await decoder(), packetBytes(packets)), priming);
  } else {
    const name = codec ?? String(await track.getInternalCodecId());
    throw new SpeechError("audio_unsupported", `The audio codec ${name} is not supported in this container.`);
  }
}

async function declareDuration(track: InputAudioTrack, context: DecodeContext): Promise<void> {
  const end = await track.getDurationFromMetadata();
  if (end === null || !Number.isFinite(end) || end <= 0) return;
  const seconds = end - Math.max(0, await track.getFirstTimestamp());
  context.declare(seconds, 0.5 + seconds * 0.01);
}

async function* decodeOpusPackets(packets: AsyncIterable<EncodedPacket>, head: Uint8Array): AsyncGenerator<Pcm, void> {
  const stream = await createOpusStream(head);
  try {
    for await (const { data } of packets) yield stream.decode([data]);
  } finally {
    stream.free();
  }
}

async function plainOpusHead(track: InputAudioTrack): Promise<Uint8Array> {
  const head = new Uint8Array(19);
  head.set(Buffer.from("OpusHead\x01"));
  head[9] = await track.getNumberOfChannels();
  new DataView(head.buffer).setUint32(12, OPUS_CLOCK, true);
  return head;
}

/** libvorbis' decoder here reads Ogg: the three headers from the container's Xiph lacing, then a page for each packet. */
async function* vorbisPages(packets: AsyncIterable<EncodedPacket>, description: Uint8Array, sampleRate: number) {
  const [identification, comment, setup] = splitXiphLacing(description);
  if (identification === undefined || comment === undefined || setup === undefined) {
    throw new SpeechError("audio_corrupt", "The Vorbis headers are incomplete.");
  }
  const write = createPageWriter(1);
  yield write([identification], 0, { first: true });
  // Pages hold 255 pieces: the comment is not needed to decode and may be large, so an empty one stands for it.
  yield write([emptyVorbisComment, setup], 0);
  for await (const { data, timestamp, duration } of packets) {
    yield write([data], Math.max(0, Math.round((timestamp + duration) * sampleRate)));
  }
}

const emptyVorbisComment = Uint8Array.from([3, ...Buffer.from("vorbis"), 0, 0, 0, 0, 0, 0, 0, 0, 1]);

function splitXiphLacing(bytes: Uint8Array): Uint8Array[] {
  const lengths: number[] = [];
  let at = 1;
  while (lengths.length < (bytes[0] ?? 0) && at < bytes.length) {
    let length = 0;
    while (bytes[at] === 255) {
      length += 255;
      at += 1;
    }
    lengths.push(length + (bytes[at] ?? 0));
    at += 1;
  }
  const pieces = lengths.map((length) => {
    at += length;
    return bytes.subarray(at - length, at);
  });
  return [...pieces, bytes.subarray(at)];
}

async function* packetBytes(packets: AsyncIterable<EncodedPacket>): AsyncGenerator<Uint8Array, void> {
  for await (const { data } of packets) yield data;
}

/** Whether this is an MP4 whose media comes before its index. */
async function indexIsLast(reader: ByteReader): Promise<boolean> {
  let at = 0;
  for (;;) {
    const head = await reader.peek(Math.min(at + 16, 65_536));
    if (head.length < at + 16 || isEbml(head)) return false;
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const type = Buffer.from(head.subarray(at + 4, at + 8)).toString("latin1");
    if (type === "mdat") return true;
    if (type === "moov" || view.getUint32(at) < 8) return false;
    at += view.getUint32(at);
  }
}

function isEbml(head: Uint8Array): boolean {
  return head[0] === 0x1a && head[1] === 0x45;
}

async function readWhole(reader: ByteReader): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const bytes of remaining(reader)) chunks.push(bytes);
  const whole = Buffer.concat(chunks);
  refuseTruncated(whole);
  return whole;
}

/** An MP4 whose last box is cut off has lost its index, and would seem to hold no track at all. */
function refuseTruncated(mp4: Buffer): void {
  for (let at = 0; at + 16 <= mp4.length; ) {
    const size = mp4.readUInt32BE(at);
    if (size === 0) return;
    const length = size === 1 ? Number(mp4.readBigUInt64BE(at + 8)) : size;
    if (length < 8) return;
    at += length;
    if (at > mp4.length) throw new SpeechError("audio_truncated", "The file ends before its index.");
  }
}

function toBytes(source: ArrayBufferView | ArrayBufferLike | undefined): Uint8Array | undefined {
  if (source === undefined) return undefined;
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
