import { type SpeechFormat, speechFormats } from "@parlance/contracts";
import { describe, expect, test } from "vitest";
import { decodeSegments } from "../decoder/decode.ts";
import { createByteReader } from "../formats/byte-reader.ts";
import { toPcm16 } from "../samples/pcm.ts";
import { correlate, inChunks, outcome } from "../testing/sources.ts";
import { VOICE_SECONDS, voice } from "../testing/voice.ts";
import { type EncodeOptions, encodeAudio } from "./encode.ts";
import { wavHeader } from "./wav-writer.ts";

const DECODED_RATE = 16_000;
const original = voice(DECODED_RATE);

async function encode(
  format: SpeechFormat,
  pcm: Int16Array,
  options: EncodeOptions,
  size = pcm.length,
): Promise<Buffer> {
  const encoder = await encodeAudio(format, options);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < pcm.length; at += size) parts.push(encoder.push(pcm.subarray(at, at + size)));
  parts.push(encoder.end());
  encoder.close();
  return Buffer.concat(parts);
}

/** Through the decoders that uploads go through; pcm, which has no header, behind one. */
async function decode(format: SpeechFormat, bytes: Uint8Array): Promise<Int16Array> {
  const file = format === "pcm" ? Buffer.concat([wavHeader({ sampleRate: 24_000 }, bytes.length), bytes]) : bytes;
  const result = await outcome(
    decodeSegments(createByteReader(inChunks(file), { total: file.length, maxBytes: 1e8 }), {
      maxSeconds: 60,
      segmentSeconds: 25,
    }),
  );
  if (!("samples" in result)) throw new Error(result.message);
  return result.samples;
}

/** Of the sound in dB, where it lies best. */
function signalToNoise(sound: Int16Array, lag: number): number {
  let signal = 0;
  let noise = 0;
  for (const [at, expected] of original.entries()) {
    const found = (sound[at + lag] ?? 0) / 32_768;
    signal += expected ** 2;
    noise += (expected - found) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** MP3 leaves its codec's delay at the beginning, and at the end what fills the last frame. */
const qualities: Record<SpeechFormat, { decibels: number; delayMs: number; extraMs: number; bitsPerSecond: number }> = {
  wav: { decibels: 60, delayMs: 0, extraMs: 0, bitsPerSecond: 16 * 24_000 },
  pcm: { decibels: 60, delayMs: 0, extraMs: 0, bitsPerSecond: 16 * 24_000 },
  flac: { decibels: 60, delayMs: 0, extraMs: 0, bitsPerSecond: 14 * 24_000 },
  mp3: { decibels: 20, delayMs: 70, extraMs: 150, bitsPerSecond: 70_000 },
  opus: { decibels: 10, delayMs: 0, extraMs: 0, bitsPerSecond: 48_000 },
};

describe.each(speechFormats)("%s", (format) => {
  const { decibels, delayMs, extraMs, bitsPerSecond } = qualities[format];

  test.each([16_000, 22_050, 24_000, 48_000])(
    "%i Hz comes out as the sound that went in, as long as it was",
    async (rate) => {
      const bytes = await encode(format, toPcm16(voice(rate)), { sampleRate: rate });
      const sound = await decode(format, bytes);
      const extra = sound.length - VOICE_SECONDS * DECODED_RATE;
      expect(extra).toBeGreaterThanOrEqual(0);
      expect(extra).toBeLessThanOrEqual((extraMs / 1_000) * DECODED_RATE);
      const { lag, correlation } = correlate(sound, original);
      // libopus resamples inside, with a delay that is no whole number of samples.
      expect(lag).toBeGreaterThanOrEqual(-1);
      expect(lag).toBeLessThanOrEqual((delayMs / 1_000) * DECODED_RATE);
      expect(correlation).toBeGreaterThan(0.97);
      expect(signalToNoise(sound, lag)).toBeGreaterThan(decibels);
      if (rate === 24_000) expect((bytes.length * 8) / VOICE_SECONDS).toBeLessThan(bitsPerSecond + 2_000);
    },
  );

  test("the bytes are the same however the sound is cut, in pushes of nothing too", async () => {
    const pcm = toPcm16(voice(24_000));
    const whole = await encode(format, pcm, { sampleRate: 24_000 });
    expect(await encode(format, pcm, { sampleRate: 24_000 }, 997)).toEqual(whole);
    const encoder = await encodeAudio(format, { sampleRate: 24_000 });
    const parts = [new Int16Array(0), pcm.subarray(0, 1), new Int16Array(0), pcm.subarray(1)].map(encoder.push);
    expect(Buffer.concat([...parts, encoder.end()])).toEqual(whole);
  });

  test("bytes come while the sound does", async () => {
    const encoder = await encodeAudio(format, { sampleRate: 24_000 });
    const pcm = toPcm16(voice(24_000));
    const first = encoder.push(pcm);
    expect(first.length).toBeGreaterThan(0.7 * (first.length + encoder.end().length));
  });

  test("two encoders at once do not meddle with each other", async () => {
    const [a, b] = [toPcm16(voice(24_000)), toPcm16(voice(24_000).reverse())];
    const encoders = await Promise.all([a, b].map(() => encodeAudio(format, { sampleRate: 24_000 })));
    const parts: Uint8Array[][] = [[], []];
    for (let at = 0; at < a.length; at += 4_000) {
      for (const [index, pcm] of [a, b].entries()) {
        const bytes = encoders[index]?.push(pcm.subarray(at, at + 4_000));
        if (bytes !== undefined) parts[index]?.push(bytes);
      }
    }
    for (const [index, encoder] of encoders.entries()) parts[index]?.push(encoder.end());
    for (const [index, pcm] of [a, b].entries()) {
      expect(Buffer.concat(parts[index] ?? [])).toEqual(await encode(format, pcm, { sampleRate: 24_000 }));
    }
  });

  test("no sound at all is a file without sound", async () => {
    const bytes = await encode(format, new Int16Array(0), { sampleRate: 24_000 });
    if (format !== "pcm") expect(bytes.length).toBeGreaterThan(0);
    const heard = await decode(format, bytes).catch((error: Error) => error.message);
    if (heard instanceof Int16Array) expect(heard.every((sample) => Math.abs(sample) < 8)).toBe(true);
    else expect(heard).toMatch(/no audio/);
  });

  test("a length that was announced wrongly is found out", async () => {
    const encoder = await encodeAudio(format, { sampleRate: 24_000, samples: 10 });
    encoder.push(new Int16Array(9));
    expect(() => encoder.end()).toThrow("10 samples were announced and 9 came");
  });
});

test("a WAV of known length says it, and one of unknown length the most that it can", async () => {
  const pcm = new Int16Array([1, -2, 3]);
  const known = await encode("wav", pcm, { sampleRate: 24_000, samples: 3 });
  expect(known.readUInt32LE(40)).toBe(6);
  expect(known.readUInt32LE(4)).toBe(known.length - 8);
  const unknown = await encode("wav", pcm, { sampleRate: 24_000 });
  expect(unknown.readUInt32LE(40)).toBe(0xffff_ffff);
  expect(unknown.subarray(44)).toEqual(known.subarray(44));
});

test("a FLAC of known length says it", async () => {
  const pcm = toPcm16(voice(24_000));
  const bytes = await encode("flac", pcm, { sampleRate: 24_000, samples: pcm.length });
  // STREAMINFO: 36 bits of total samples, the last 32 of them at byte 22.
  expect(bytes.readUInt32BE(22)).toBe(pcm.length);
});

test("pcm is the sound at 24 kHz and nothing else", async () => {
  const pcm = toPcm16(voice(24_000));
  expect(await encode("pcm", pcm, { sampleRate: 24_000 })).toEqual(Buffer.from(pcm.buffer));
  const from16 = await encode("pcm", toPcm16(voice(16_000)), { sampleRate: 16_000 });
  expect(from16.length).toBe(pcm.byteLength);
});

test("each format is recognised by its first bytes", async () => {
  const head = async (format: SpeechFormat) =>
    (await encode(format, new Int16Array(240), { sampleRate: 24_000 })).subarray(0, 4);
  expect((await head("wav")).toString()).toBe("RIFF");
  expect((await head("flac")).toString()).toBe("fLaC");
  expect((await head("opus")).toString()).toBe("OggS");
  const [first = 0, second = 0] = await head("mp3");
  expect([first, second & 0xe0]).toEqual([0xff, 0xe0]);
});
