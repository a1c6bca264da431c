/** Audio that people send and should not have: each with the error that it must come to, in itself. */
import type { ErrorCode } from "@parlance/contracts";
import { wavHeader } from "../encode/wav-writer.ts";
import { createPageWriter } from "../formats/ogg-pages.ts";
import { fixture } from "./sources.ts";
import { buildWav, encodeSamples } from "./wav.ts";

export interface Poison {
  name: string;
  bytes: Uint8Array;
  code: ErrorCode;
}

/** The limit that `opus hours` and `wav hours` are above. */
export const POISON_MAX_SECONDS = 1_800;

export function poisonCorpus(): Poison[] {
  const pcm = encodeSamples(new Float32Array(16_000).fill(0.25), 16);
  const nan = encodeSamples(new Float32Array(16_000).fill(Number.NaN), 32, "float");
  const cut = (name: string, share = 0.6) => fixture(name).subarray(0, fixture(name).length * share);
  const zeroed = (name: string, at: number) => {
    const bytes = Uint8Array.from(fixture(name));
    return bytes.fill(0, bytes.length * at, bytes.length * at + 2_000);
  };
  return [
    { name: "empty", bytes: new Uint8Array(0), code: "audio_empty" },
    { name: "one byte", bytes: Uint8Array.of(0), code: "audio_unsupported" },
    { name: "text named .wav", bytes: Buffer.from("this is not a sound\n".repeat(50)), code: "audio_unsupported" },
    {
      name: "zip named .wav",
      bytes: Buffer.concat([Buffer.from("PK\x03\x04"), Buffer.alloc(500)]),
      code: "audio_unsupported",
    },
    { name: "playlist", bytes: Buffer.from("#EXTM3U\nfile:///etc/passwd\n"), code: "audio_unsupported" },
    {
      name: "concat script",
      bytes: Buffer.from("ffconcat version 1.0\nfile '/etc/passwd'\n"),
      code: "audio_unsupported",
    },
    {
      name: "random bytes",
      bytes: Uint8Array.from({ length: 5_000 }, (_, at) => (at * at * 31 + 7) % 251),
      code: "audio_unsupported",
    },
    { name: "truncated wav header", bytes: buildWav({ data: pcm }).subarray(0, 20), code: "audio_truncated" },
    { name: "truncated wav data", bytes: buildWav({ data: pcm }).subarray(0, 9_000), code: "audio_truncated" },
    { name: "wav without samples", bytes: wavHeader({ sampleRate: 16_000 }, 0), code: "audio_empty" },
    { name: "wav of NaN", bytes: buildWav({ formatTag: 3, bits: 32, data: nan }), code: "audio_invalid_samples" },
    { name: "wav longer than it says", bytes: buildWav({ data: pcm.fill(1), dataSize: 100 }), code: "audio_corrupt" },
    { name: "truncated flac", bytes: cut("voice.flac"), code: "audio_truncated" },
    { name: "damaged flac", bytes: zeroed("voice.flac", 0.5), code: "audio_corrupt" },
    { name: "truncated ogg", bytes: cut("voice.ogg"), code: "audio_truncated" },
    { name: "damaged opus", bytes: zeroed("voice.opus", 0.4), code: "audio_corrupt" },
    { name: "truncated m4a, index lost", bytes: cut("voice.m4a"), code: "audio_truncated" },
    { name: "truncated m4a, index first", bytes: cut("voice-faststart.m4a"), code: "audio_truncated" },
    { name: "truncated mp3", bytes: cut("voice.mp3"), code: "audio_truncated" },
    { name: "id3 tag and no audio", bytes: id3(50_000), code: "audio_empty" },
    { name: "id3 tag that has no end", bytes: id3(50_000).subarray(0, 20_000), code: "audio_truncated" },
    { name: "video without audio", bytes: fixture("silent-film.mp4"), code: "audio_unsupported" },
    { name: "wav hours", bytes: hoursOfWav(), code: "audio_too_long" },
    { name: "opus hours", bytes: opusOfHours(POISON_MAX_SECONDS / 3_600 + 1), code: "audio_too_long" },
    {
      name: "opus hours that deny it",
      bytes: opusOfHours(POISON_MAX_SECONDS / 3_600 + 1, false),
      code: "audio_too_long",
    },
  ];
}

/** An ID3v2 tag with a picture's worth of bytes, as they stand before MP3. */
export function id3(bytes: number): Uint8Array {
  const tag = Buffer.alloc(10 + bytes, 0xff);
  tag.write("ID3\x04\x00\x00", "latin1");
  for (const [index, shift] of [21, 14, 7, 0].entries()) tag[6 + index] = (bytes >> shift) & 127;
  return tag;
}

/** Two bytes of Opus for each 120 ms of silence: a megabyte of it lasts 17 hours. `honest`: the pages tell their times. */
export function opusOfHours(hours: number, honest = true): Uint8Array {
  const head = Buffer.alloc(19);
  head.write("OpusHead\x01\x01", "latin1");
  head.writeUInt32LE(48_000, 12);
  const tags = Buffer.concat([Buffer.from("OpusTags"), Buffer.alloc(8)]);
  const write = createPageWriter(9);
  const pages = [write([head], 0, { first: true }), write([tags], 0)];
  const packets = new Array<Uint8Array>(255).fill(Uint8Array.of(0x19));
  const pageSeconds = 255 * 0.12;
  const count = Math.ceil((hours * 3_600) / pageSeconds);
  for (let page = 1; page <= count; page += 1) {
    pages.push(write(packets, honest ? Math.round(page * pageSeconds * 48_000) : 0, { last: page === count }));
  }
  return Buffer.concat(pages);
}

/** A µ-law file at 1 000 Hz: 2 MB of it last longer than half an hour. */
function hoursOfWav(): Uint8Array {
  return buildWav({ formatTag: 7, bits: 8, sampleRate: 1_000, data: new Uint8Array((POISON_MAX_SECONDS + 1) * 1_000) });
}
