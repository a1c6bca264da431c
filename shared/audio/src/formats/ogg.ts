/** Ogg files: the first audio stream in them, be it Opus, Vorbis or FLAC; streams chained one after the other are one audio. */
import { SpeechError } from "@parlance/contracts";
import type { Pcm } from "../samples/pcm.ts";
import { decodeFlacFrames } from "./flac.ts";
import type { Decode } from "./format.ts";
import { createPacketAssembler, type OggPage, readPages } from "./ogg-pages.ts";
import { CLOCK_RATIO, createOpusStream } from "./opus.ts";
import { decodeVorbisBytes } from "./vorbis.ts";

type Pages = AsyncGenerator<OggPage, void>;

export const decodeOgg: Decode = async function* (reader) {
  const pages = readPages(reader);
  let opening = await nextAudio(pages);
  if (opening === undefined)
    throw new SpeechError("audio_unsupported", "The Ogg file holds no audio that is supported.");
  while (opening !== undefined) {
    const stream = ownPages(pages, opening.page);
    if (opening.codec === "opus") yield* decodeOpusPages(stream);
    else if (opening.codec === "flac") yield* decodeFlacFrames(flacFrames(stream));
    else yield* decodeVorbisBytes(pageBytes(stream));
    opening = await nextAudio(pages);
  }
};

async function nextAudio(pages: Pages): Promise<{ page: OggPage; codec: "opus" | "vorbis" | "flac" } | undefined> {
  for (let next = await pages.next(); next.done !== true; next = await pages.next()) {
    const magic = Buffer.from(next.value.body.subarray(0, 8)).toString("latin1");
    if (!next.value.first) continue;
    if (magic === "OpusHead") return { page: next.value, codec: "opus" };
    if (magic.startsWith("\x01vorbis")) return { page: next.value, codec: "vorbis" };
    if (magic.startsWith("\x7fFLAC")) return { page: next.value, codec: "flac" };
  }
  return undefined;
}

/** The pages of one logical stream: those of others that are interleaved with it are left out. */
async function* ownPages(pages: Pages, opening: OggPage): Pages {
  yield opening;
  if (opening.last) return;
  for (let next = await pages.next(); next.done !== true; next = await pages.next()) {
    if (next.value.serial !== opening.serial) continue;
    yield next.value;
    if (next.value.last) return;
  }
}

async function* pageBytes(pages: Pages): AsyncGenerator<Uint8Array, void> {
  for await (const page of pages) yield page.bytes;
}

/** One packet a frame; those before are metadata, and no frame begins with anything but 0xFF. */
async function* flacFrames(pages: Pages): AsyncGenerator<Uint8Array, void> {
  const assemble = createPacketAssembler();
  for await (const page of pages) yield* assemble(page).filter((packet) => packet[0] === 0xff);
}

/** Packets of at most 120 ms, so that one call decodes 4 s. */
const PACKETS_PER_CALL = 32;

async function* decodeOpusPages(pages: Pages): AsyncGenerator<Pcm, void> {
  const assemble = createPacketAssembler();
  const opening = await pages.next();
  if (opening.done === true) return;
  const [head = new Uint8Array(0)] = assemble(opening.value);
  const stream = await createOpusStream(head);
  const preSkip = head.length >= 12 ? (head[10] ?? 0) + (head[11] ?? 0) * 256 : 0;
  try {
    let headers = 1;
    let produced = 0;
    for await (const page of pages) {
      const packets = assemble(page).filter((packet) => {
        if (headers === 0) return true;
        headers -= 1;
        return Buffer.from(packet.subarray(0, 8)).toString("latin1") !== "OpusTags";
      });
      // The last page's position says where the audio ends inside its last packet (RFC 7845, 4.4).
      const end =
        page.last && page.granule !== undefined ? Math.ceil((page.granule - preSkip) / CLOCK_RATIO) : undefined;
      for (let from = 0; from < packets.length; from += PACKETS_PER_CALL) {
        const { sampleRate, samples } = stream.decode(packets.slice(from, from + PACKETS_PER_CALL));
        const keep = end === undefined || end < produced - LONGEST_TRIM ? samples.length : Math.max(0, end - produced);
        produced += samples.length;
        yield { sampleRate, samples: samples.subarray(0, keep) };
      }
    }
  } finally {
    stream.free();
  }
}

/** A stream that was cut out of a longer one counts from elsewhere: then its end position is no end to trim to. */
const LONGEST_TRIM = 16_000;
