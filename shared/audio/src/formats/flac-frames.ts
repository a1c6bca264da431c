/**
 * Splits a FLAC stream (RFC 9639) into its frames. A frame does not say how long it is: it ends where its checksum comes out even and
 * another frame's header, or the end of the file, follows.
 */
import { SpeechError } from "@parlance/contracts";
import { type ByteReader, joinBytes } from "./byte-reader.ts";

/** Longer than any header. */
const HEADER_BYTES = 16;
/** Longer than 65 535 samples of 8 channels at 32 bits, not compressed. */
const LONGEST_FRAME = 4 * 1_048_576;

/** `reader` stands at "fLaC". */
export async function* readFlacFrames(reader: ByteReader): AsyncGenerator<Uint8Array, void> {
  await skipMetadata(reader);
  let held: Uint8Array = new Uint8Array(0);
  let scanned = 0;
  let crc = 0;
  let ended = false;
  while (!ended) {
    const bytes = await reader.read();
    ended = bytes === undefined;
    if (bytes !== undefined) held = held.length === 0 ? bytes : joinBytes(held, bytes);
    let start = 0;
    // A header is only looked for where all of it would be there.
    const end = ended ? held.length : held.length - HEADER_BYTES;
    for (; scanned < end; scanned += 1) {
      if (scanned > start && crc === 0 && isFrameHeader(held, scanned)) {
        yield held.subarray(start, scanned);
        start = scanned;
      } else if (scanned === start && !isFrameHeader(held, scanned)) {
        throw new SpeechError("audio_corrupt", "The FLAC stream is broken: no frame begins where one must.");
      }
      crc = (crc16[(crc >> 8) ^ (held[scanned] ?? 0)] ?? 0) ^ ((crc << 8) & 0xffff);
    }
    held = held.subarray(start);
    scanned -= start;
    if (held.length > LONGEST_FRAME)
      throw new SpeechError("audio_corrupt", "The FLAC stream is broken: a frame has no end.");
  }
  if (held.length === 0) return;
  if (crc !== 0) {
    // A damaged frame swallows those after it; one that is cut off has none after it.
    for (let at = 1; at + HEADER_BYTES < held.length; at += 1) {
      if (isFrameHeader(held, at))
        throw new SpeechError("audio_corrupt", "The FLAC stream is broken: a frame has a wrong checksum.");
    }
    throw new SpeechError("audio_truncated", "The file ends inside a FLAC frame.");
  }
  yield held;
}

async function skipMetadata(reader: ByteReader): Promise<void> {
  await reader.skip(4);
  for (;;) {
    const head = await reader.peek(4);
    const [type = 0, a = 0, b = 0, c = 0] = head;
    const length = 4 + ((a << 16) | (b << 8) | c);
    if (head.length < 4 || (await reader.skip(length)) < length) {
      throw new SpeechError("audio_truncated", "The FLAC file ends inside its metadata.");
    }
    if ((type & 128) !== 0) return;
  }
}

/** A sync code, fields with allowed values, and a header checksum that is right. */
function isFrameHeader(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0xff || ((bytes[at + 1] ?? 0) & 0xfe) !== 0xf8) return false;
  const blockSize = (bytes[at + 2] ?? 0) >> 4;
  const rate = (bytes[at + 2] ?? 0) & 15;
  const layout = bytes[at + 3] ?? 0;
  if (blockSize === 0 || rate === 15 || layout >> 4 > 10 || (layout & 1) !== 0) return false;
  const number = bytes[at + 4] ?? 0;
  // The frame's or sample's number, coded like UTF-8: leading ones are its length.
  const numberBytes = number < 128 ? 1 : Math.clz32(~(number << 24));
  let length = 4 + numberBytes;
  length += blockSize === 6 ? 1 : blockSize === 7 ? 2 : 0;
  length += rate === 12 ? 1 : rate === 13 || rate === 14 ? 2 : 0;
  let crc = 0;
  for (let index = at; index < at + length; index += 1) crc = crc8[crc ^ (bytes[index] ?? 0)] ?? 0;
  return at + length < bytes.length && crc === bytes[at + length];
}

function crcTable(bits: number, polynomial: number): Uint16Array {
  const top = 1 << (bits - 1);
  const mask = 2 ** bits - 1;
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << (bits - 8);
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc & top) === 0 ? crc << 1 : (crc << 1) ^ polynomial) & mask;
    return crc;
  });
}

const crc8 = crcTable(8, 0x07);
const crc16 = crcTable(16, 0x8005);
