/**
 * Ogg Opus (RFC 7845) by libopus (`libopus-wasm`, BSD and MIT): 20 ms packets, ten to a page.
 *
 * Granule positions count samples at 48 kHz whatever the rate: the pre-skip says how many a decoder drops at the beginning, and
 * the last page's position says where the sound ends inside its last packet, so that the length is exact.
 */
import { createPageWriter } from "../formats/ogg-pages.ts";
import { fromPcm16 } from "../samples/pcm.ts";
import { createResampler } from "../samples/resample.ts";
import type { OpenEncoder } from "./encoder.ts";

const GRANULE_RATE = 48_000;
const PACKET_SECONDS = 0.02;
const PACKETS_OF_A_PAGE = 10;
/** bit/s of one channel of speech. */
const BITRATE = 32_000;
/** Of 10: half the work of 10, and not to be heard at this bit rate. */
const COMPLEXITY = 5;
/** Rates that libopus takes as they are. */
const RATES = [8_000, 12_000, 16_000, 24_000, 48_000] as const;
const SERIAL = 1;

export const openOpus: OpenEncoder = async ({ sampleRate }) => {
  const { Application, createEncoder, Signal } = await import("libopus-wasm");
  const rate = RATES.find((known) => known === sampleRate) ?? GRANULE_RATE;
  const coder = await createEncoder({
    channels: 1,
    sampleRate: rate,
    // "Voip" would cut the low tones of a voice away, as telephones do.
    application: Application.Audio,
    signal: Signal.Voice,
    bitrate: BITRATE,
    complexity: COMPLEXITY,
    frameSize: rate * PACKET_SECONDS,
  });
  const granules = GRANULE_RATE / rate;
  const preSkip = coder.getLookahead() * granules;
  const resampler = createResampler(sampleRate, rate);
  const writePage = createPageWriter(SERIAL);

  let ready: Uint8Array[] = [
    writePage([opusHead(preSkip, sampleRate)], 0, { first: true }),
    writePage([opusTags()], 0),
  ];
  const frame = new Float32Array(rate * PACKET_SECONDS);
  let filled = 0;
  let received = 0;
  let coded = 0;
  let packets: Uint8Array[] = [];

  function add(samples: Float32Array): void {
    received += samples.length;
    for (let at = 0; at < samples.length; ) {
      const part = samples.subarray(at, at + frame.length - filled);
      frame.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === frame.length) codeFrame();
    }
  }

  /** A page is written when the packet after it is there: the last page has to say that it is the last. */
  function codeFrame(): void {
    if (packets.length === PACKETS_OF_A_PAGE) {
      ready.push(writePage(packets, coded * granules));
      packets = [];
    }
    packets.push(coder.encodeFloat(frame));
    coded += frame.length;
    filled = 0;
  }

  const take = (): Uint8Array => {
    const bytes = Buffer.concat(ready);
    ready = [];
    return bytes;
  };

  return {
    push(pcm) {
      add(resampler.push(fromPcm16(pcm)));
      return take();
    },
    end() {
      add(resampler.end());
      const length = received;
      // The codec gives a sound back later than it took it: silence pushes the rest out.
      while (coded * granules < length * granules + preSkip || packets.length === 0) {
        frame.fill(0, filled);
        codeFrame();
      }
      ready.push(writePage(packets, length * granules + preSkip, { last: true }));
      coder.free();
      return take();
    },
    close: () => coder.free(),
  };
};

/** RFC 7845, 5.1: one channel, no gain, mapping family 0. */
function opusHead(preSkip: number, sampleRate: number): Uint8Array {
  const head = Buffer.alloc(19);
  head.write("OpusHead");
  head.writeUInt8(1, 8);
  head.writeUInt8(1, 9);
  head.writeUInt16LE(preSkip, 10);
  head.writeUInt32LE(sampleRate, 12);
  return head;
}

/** RFC 7845, 5.2: who wrote it, and no comments. */
function opusTags(): Uint8Array {
  const vendor = "Parlance";
  const tags = Buffer.alloc(16 + vendor.length);
  tags.write("OpusTags");
  tags.writeUInt32LE(vendor.length, 8);
  tags.write(vendor, 12);
  return tags;
}
