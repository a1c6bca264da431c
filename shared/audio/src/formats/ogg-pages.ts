/**
 * Ogg (RFC 3533): pages in, packets out, and pages written again for packets that came from elsewhere.
 *
 * Strict on purpose: a page whose checksum is wrong or that is cut off is an error, because skipping it would lose speech silently.
 */
import { SpeechError } from "@parlance/contracts";
import type { ByteReader } from "./byte-reader.ts";
import { joinBytes } from "./byte-reader.ts";

export interface OggPage {
  /** The whole page, as it came. */
  bytes: Uint8Array;
  serial: number;
  continued: boolean;
  first: boolean;
  last: boolean;
  /** Samples up to the end of the last packet that ends here; undefined when none does. */
  granule: number | undefined;
  /** Lengths of the body's pieces: one of 255 goes on in the next. */
  lacing: Uint8Array;
  body: Uint8Array;
}

const HEADER_BYTES = 27;

export async function* readPages(reader: ByteReader): AsyncGenerator<OggPage, void> {
  for (;;) {
    const head = await reader.peek(HEADER_BYTES);
    if (head.length === 0) return;
    if (Buffer.from(head.subarray(0, 4)).toString("latin1") !== "OggS".slice(0, head.length)) {
      throw new SpeechError("audio_corrupt", `The Ogg stream is broken at byte ${reader.position}.`);
    }
    const lacingBytes = head[26] ?? 0;
    const upToLacing = await reader.peek(HEADER_BYTES + lacingBytes);
    if (upToLacing.length < HEADER_BYTES + lacingBytes || head.length < HEADER_BYTES) throw cutOff();
    const bodyBytes = upToLacing.subarray(HEADER_BYTES).reduce((sum, length) => sum + length, 0);
    const length = HEADER_BYTES + lacingBytes + bodyBytes;
    const bytes = await reader.peek(length);
    if (bytes.length < length) throw cutOff();
    if (checksum(bytes) !== new DataView(bytes.buffer, bytes.byteOffset).getUint32(22, true)) {
      throw new SpeechError("audio_corrupt", `The Ogg page at byte ${reader.position} has a wrong checksum.`);
    }
    await reader.skip(length);
    yield parsePage(bytes, lacingBytes);
  }
}

function parsePage(bytes: Uint8Array, lacingBytes: number): OggPage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(5);
  const granule = view.getBigInt64(6, true);
  return {
    bytes,
    serial: view.getUint32(14, true),
    continued: (flags & 1) !== 0,
    first: (flags & 2) !== 0,
    last: (flags & 4) !== 0,
    granule: granule < 0n ? undefined : Number(granule),
    lacing: bytes.subarray(HEADER_BYTES, HEADER_BYTES + lacingBytes),
    body: bytes.subarray(HEADER_BYTES + lacingBytes),
  };
}

/** Puts packets together again: those that end on the given page. One assembler per logical stream. */
export function createPacketAssembler(): (page: OggPage) => Uint8Array[] {
  let open: Uint8Array | undefined;
  return (page) => {
    const packets: Uint8Array[] = [];
    if (!page.continued) open = undefined;
    let from = 0;
    let to = 0;
    for (const length of page.lacing) {
      to += length;
      if (length === 255) continue;
      const piece = page.body.subarray(from, to);
      packets.push(open === undefined ? piece : joinBytes(open, piece));
      open = undefined;
      from = to;
    }
    if (to > from)
      open = open === undefined ? page.body.subarray(from, to) : joinBytes(open, page.body.subarray(from, to));
    return packets;
  };
}

/**
 * Seconds of a whole Ogg file by its granule positions, which costs no decoding: what a stream of hours in few megabytes is refused
 * by. Undefined when no stream of it is Opus or Vorbis.
 */
export async function measureOgg(reader: ByteReader): Promise<number | undefined> {
  const rates = new Map<number, number>();
  const ends = new Map<number, number>();
  let seconds = 0;
  for await (const page of readPages(reader)) {
    if (page.first) {
      const rate = granuleRate(page.body);
      if (rate !== undefined) rates.set(page.serial, rate);
    }
    const rate = rates.get(page.serial);
    if (rate !== undefined && page.granule !== undefined) ends.set(page.serial, page.granule / rate);
    if (page.last) {
      seconds += ends.get(page.serial) ?? 0;
      ends.delete(page.serial);
    }
  }
  return rates.size === 0 ? undefined : seconds + Math.max(0, ...ends.values());
}

function granuleRate(packet: Uint8Array): number | undefined {
  const magic = Buffer.from(packet.subarray(0, 8)).toString("latin1");
  if (magic === "OpusHead") return 48_000;
  if (!magic.startsWith("\x01vorbis") || packet.length < 16) return undefined;
  return new DataView(packet.buffer, packet.byteOffset).getUint32(12, true) || undefined;
}

/** Writes one logical stream: each call makes a page of whole packets (together at most 255 pieces of 255 bytes). */
export function createPageWriter(serial: number) {
  let sequence = 0;
  return (
    packets: readonly Uint8Array[],
    granule: number,
    flags: { first?: boolean; last?: boolean } = {},
  ): Uint8Array => {
    const lacing = packets.flatMap((packet) => [
      ...new Array<number>(Math.floor(packet.length / 255)).fill(255),
      packet.length % 255,
    ]);
    if (lacing.length > 255) throw new RangeError("the packets do not fit one Ogg page");
    const bodyBytes = packets.reduce((sum, packet) => sum + packet.length, 0);
    const page = new Uint8Array(HEADER_BYTES + lacing.length + bodyBytes);
    const view = new DataView(page.buffer);
    page.set(Buffer.from("OggS"));
    view.setUint8(5, (flags.first === true ? 2 : 0) | (flags.last === true ? 4 : 0));
    view.setBigInt64(6, BigInt(granule), true);
    view.setUint32(14, serial, true);
    view.setUint32(18, sequence, true);
    view.setUint8(26, lacing.length);
    page.set(lacing, HEADER_BYTES);
    let at = HEADER_BYTES + lacing.length;
    for (const packet of packets) {
      page.set(packet, at);
      at += packet.length;
    }
    view.setUint32(22, checksum(page), true);
    sequence += 1;
    return page;
  };
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000_0000) === 0 ? crc << 1 : (crc << 1) ^ 0x04c1_1db7;
  return crc >>> 0;
});

/** CRC-32 with Ogg's polynomial, the page's own checksum field taken as zeros. */
function checksum(page: Uint8Array): number {
  let crc = 0;
  for (let index = 0; index < page.length; index += 1) {
    const byte = index >= 22 && index < 26 ? 0 : (page[index] ?? 0);
    crc = (crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 255] ?? 0);
  }
  return crc >>> 0;
}

function cutOff(): SpeechError {
  return new SpeechError("audio_truncated", "The file ends inside an Ogg page.");
}
