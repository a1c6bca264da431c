/**
 * What a file is, by its first bytes. Names and content types are the sender's word and are not asked: a zip named .wav is a zip.
 */
import { SpeechError } from "@parlance/contracts";
import type { ByteReader } from "./byte-reader.ts";

export type Format = "wav" | "flac" | "mp3" | "aac" | "ogg" | "matroska" | "mp4";
export type Sniffed = { format: Format } | { looksLike: string };

const SNIFF_BYTES = 4_096;
const ID3_HEADER = 10;

/** Skips ID3v2 tags, which may be larger than the audio, and names the format that follows. Consumes nothing else. */
export async function detectFormat(reader: ByteReader): Promise<Format> {
  let tagged = false;
  for (;;) {
    const head = await reader.peek(SNIFF_BYTES);
    if (head.length === 0) {
      if (tagged) throw new SpeechError("audio_empty", "The file holds an ID3 tag and no audio.");
      throw new SpeechError("audio_empty", "The audio is empty: it has 0 bytes.");
    }
    const tag = id3Bytes(head);
    if (tag === undefined) {
      const sniffed = sniff(head);
      if ("format" in sniffed) return sniffed.format;
      // Padding or damage may lie between a tag and the first frame: the MP3 decoder looks for it.
      if (tagged) return "mp3";
      throw new SpeechError(
        "audio_unsupported",
        `This is not an audio format that is supported: it looks like ${sniffed.looksLike}.`,
      );
    }
    tagged = true;
    if ((await reader.skip(tag)) < tag) {
      throw new SpeechError("audio_truncated", "The file ends inside its ID3 tag.");
    }
  }
}

/** Length of the ID3v2 tag that begins here, or undefined. Its size is 4 × 7 bits. */
function id3Bytes(head: Uint8Array): number | undefined {
  if (head.length < ID3_HEADER || !startsWith(head, "ID3")) return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = head.subarray(6, 10);
  const footer = ((head[5] ?? 0) & 0x10) === 0 ? 0 : ID3_HEADER;
  return ID3_HEADER + (((a & 127) << 21) | ((b & 127) << 14) | ((c & 127) << 7) | (d & 127)) + footer;
}

export function sniff(head: Uint8Array): Sniffed {
  if (/^(RIFF|RF64|BW64)$/.test(ascii(head, 0, 4)) && ascii(head, 8, 4) === "WAVE") return { format: "wav" };
  if (startsWith(head, "fLaC")) return { format: "flac" };
  if (startsWith(head, "OggS")) return { format: "ogg" };
  if (startsWith(head, "\x1aE\xdf\xa3")) return { format: "matroska" };
  if (/^(ftyp|moov|mdat|wide|pnot)$/.test(ascii(head, 4, 4))) {
    return /^(avif|heic|heif|mif1|crx )/.test(ascii(head, 8, 4)) ? { looksLike: "an image" } : { format: "mp4" };
  }
  for (const [magic, offset, name] of foreign) {
    if (ascii(head, offset, magic.length) === magic) return { looksLike: name };
  }
  if (isAdts(head)) return { format: "aac" };
  if (isMpegAudio(head)) return { format: "mp3" };
  return { looksLike: describeUnknown(head) };
}

const foreign: readonly [magic: string, offset: number, name: string][] = [
  ["RIFX", 0, "a big-endian WAV file (RIFX)"],
  ["RIFF", 0, "a RIFF file that is not WAV"],
  ["PK\x03\x04", 0, "a zip archive"],
  ["PK\x05\x06", 0, "a zip archive"],
  ["\x1f\x8b", 0, "gzip data"],
  ["7z\xbc\xaf\x27\x1c", 0, "a 7z archive"],
  ["Rar!", 0, "a rar archive"],
  ["BZh", 0, "bzip2 data"],
  ["\xfd7zXZ", 0, "xz data"],
  ["(\xb5/\xfd", 0, "zstd data"],
  ["%PDF", 0, "a PDF document"],
  ["\x89PNG", 0, "a PNG image"],
  ["\xff\xd8\xff", 0, "a JPEG image"],
  ["GIF8", 0, "a GIF image"],
  ["\x7fELF", 0, "a program"],
  ["MZ", 0, "a program"],
  ["FORM", 0, "an AIFF file"],
  ["caff", 0, "a Core Audio file (CAF)"],
  ["#!AMR", 0, "an AMR file"],
  ["\x30\x26\xb2\x75\x8e\x66\xcf\x11", 0, "a Windows Media file"],
  ["MThd", 0, "a MIDI file"],
  ["#EXTM3U", 0, "a playlist"],
  ["[playlist]", 0, "a playlist"],
  ["wvpk", 0, "a WavPack file"],
  ["MAC ", 0, "a Monkey's Audio file"],
  [".snd", 0, "a Sun audio file"],
];

/** ADTS: 12 sync bits, layer 0, then the next header exactly where this frame says that it ends. */
function isAdts(head: Uint8Array): boolean {
  const isHeader = (at: number) => head[at] === 0xff && ((head[at + 1] ?? 0) & 0xf6) === 0xf0;
  if (!isHeader(0) || head.length < 7) return false;
  const [, , , d = 0, e = 0, f = 0] = head;
  const length = ((d & 3) << 11) | (e << 3) | (f >> 5);
  return length >= 7 && (length + 1 >= head.length || isHeader(length));
}

/** An MPEG audio frame header whose fields are all allowed. */
function isMpegAudio(head: Uint8Array): boolean {
  const [a = 0, b = 0, c = 0] = head;
  if (a !== 0xff || (b & 0xe0) !== 0xe0) return false;
  const version = (b >> 3) & 3;
  const layer = (b >> 1) & 3;
  const bitrate = c >> 4;
  const rate = (c >> 2) & 3;
  return version !== 1 && layer !== 0 && bitrate !== 0 && bitrate !== 15 && rate !== 3;
}

function describeUnknown(head: Uint8Array): string {
  const text = new TextDecoder("utf-8").decode(head.subarray(0, 512)).replace(/\ufffd+$/, "");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells data from text
  if (head.length < 4 || /[\u0000-\u0008\u000e-\u001f\ufffd]/.test(text)) return "no known file type";
  if (/^\s*[{[]/.test(text)) return "JSON";
  if (/^\s*<(!doctype html|html)/i.test(text)) return "a web page";
  if (/^\s*</.test(text)) return "XML";
  return "text";
}

function startsWith(head: Uint8Array, magic: string): boolean {
  return ascii(head, 0, magic.length) === magic;
}

function ascii(head: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...head.subarray(offset, offset + length));
}
