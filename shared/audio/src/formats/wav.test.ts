import { describe, expect, test } from "vitest";
import { decodeSegments } from "../decoder/decode.ts";
import { encodeWav, wavHeader } from "../encode/wav-writer.ts";
import { toPcm16 } from "../samples/pcm.ts";
import { correlate, fixture, inChunks, outcome } from "../testing/sources.ts";
import { voice } from "../testing/voice.ts";
import { buildWav, chunk, encodeSamples } from "../testing/wav.ts";
import { createByteReader } from "./byte-reader.ts";

const decode = (bytes: Uint8Array, { size = 65_536, total = bytes.length as number | undefined } = {}) =>
  outcome(
    decodeSegments(createByteReader(inChunks(bytes, size), { total, maxBytes: 1e8 }), {
      maxSeconds: 600,
      segmentSeconds: 25,
    }),
  );

const second = voice(16_000, 1);
const pcm = encodeSamples(second, 16);

async function samplesOf(bytes: Uint8Array): Promise<Int16Array> {
  const result = await decode(bytes);
  if ("samples" in result) return result.samples;
  throw new Error(`${result.code}: ${result.message}`);
}

function worstError(samples: Int16Array): number {
  return samples.reduce((worst, value, at) => Math.max(worst, Math.abs(value / 32_768 - (second[at] ?? 0))), 0);
}

describe("WAV", () => {
  test.each([
    [8, "pcm", 0.009],
    [16, "pcm", 1e-4],
    [24, "pcm", 1e-4],
    [32, "pcm", 1e-4],
    [32, "float", 2e-5],
    [64, "float", 2e-5],
  ] as const)("of %i-bit %s samples decodes to what was written", async (bits, kind, error) => {
    const data = encodeSamples(second, bits, kind);
    const formatTag = kind === "pcm" ? 1 : 3;
    const plain = await samplesOf(buildWav({ bits, formatTag, data }));
    expect(plain.length).toBe(16_000);
    expect(worstError(plain)).toBeLessThan(error);
    expect(await samplesOf(buildWav({ bits, formatTag, data, extensible: true }))).toEqual(plain);
  });

  test.each(["mulaw.wav", "alaw.wav"])("%s, as ffmpeg wrote it, sounds like the original", async (name) => {
    const samples = await samplesOf(fixture(name));
    expect(samples.length).toBe(16_000);
    expect(correlate(samples, second, 10)).toMatchObject({ lag: 0, correlation: expect.closeTo(1, 2) });
  });

  test("PCM16 at 16 kHz comes out bit for bit, whatever pieces it arrives in", async () => {
    const original = toPcm16(second);
    const file = encodeWav(original, { sampleRate: 16_000 });
    expect(await samplesOf(file)).toEqual(original);
    for (const size of [1, 7, 1_001]) expect(await decode(file, { size })).toEqual({ samples: original });
  });

  test("96 kHz with 8 channels is mixed and resampled", async () => {
    const wide = voice(96_000, 1);
    const frames = new Float32Array(wide.length * 8);
    for (const [index, sample] of wide.entries()) frames.fill(sample, index * 8, index * 8 + 8);
    const samples = await samplesOf(
      buildWav({ channels: 8, sampleRate: 96_000, bits: 16, data: encodeSamples(frames, 16) }),
    );
    expect(samples.length).toBe(16_000);
    expect(correlate(samples, second, 10)).toMatchObject({ lag: 0, correlation: expect.closeTo(1, 4) });
  });

  test.each([
    ["0xFFFFFFFF", 0xffff_ffff, 0xffff_ffff],
    ["0 with an unfinished RIFF size", 0, 36],
    ["0 with a RIFF size of 0", 0, 0],
    ["almost 2 GiB, as sox pipes it", 0x7fff_f000, 0x7fff_f024],
  ])("a stream with the length %s is read to its end", async (_, dataSize, riffSize) => {
    expect((await samplesOf(buildWav({ data: pcm, dataSize, riffSize }))).length).toBe(16_000);
    const unknownTotal = await decode(buildWav({ data: pcm, dataSize, riffSize }), { total: undefined });
    expect(unknownTotal).toMatchObject({ samples: { length: 16_000 } });
  });

  test("RF64 takes its length from ds64", async () => {
    const ds64 = Buffer.alloc(28);
    ds64.writeBigUInt64LE(BigInt(pcm.length), 8);
    const file = Buffer.from(buildWav({ data: pcm, dataSize: 0xffff_ffff, after: chunk("LIST", Buffer.alloc(64)) }));
    const rf64 = Buffer.concat([
      Buffer.from("RF64\xff\xff\xff\xffWAVE", "latin1"),
      chunk("ds64", ds64),
      file.subarray(12),
    ]);
    expect((await samplesOf(rf64)).length).toBe(16_000);
  });

  test("chunks before and after the audio are not heard", async () => {
    const list = chunk("LIST", Buffer.alloc(1_001, 0x41));
    expect((await samplesOf(buildWav({ data: pcm, before: list, after: list }))).length).toBe(16_000);
    expect((await samplesOf(buildWav({ data: pcm, after: Buffer.alloc(100) }))).length).toBe(16_000);
  });

  test("10 ms and silence are audio", async () => {
    expect((await samplesOf(buildWav({ data: pcm.subarray(0, 320) }))).length).toBe(160);
    expect(new Set(await samplesOf(buildWav({ data: new Uint8Array(32_000) })))).toEqual(new Set([0]));
  });
});

const nan = Float32Array.from(second);
nan[7_000] = Number.NaN;
const infinite = Float32Array.from(second);
infinite[7_000] = Number.NEGATIVE_INFINITY;

describe("a WAV file that is wrong", () => {
  test.each<[string, Uint8Array, string, RegExp]>([
    ["nothing", new Uint8Array(0), "audio_empty", /0 bytes/],
    ["one byte", Uint8Array.of(0x52), "audio_unsupported", /looks like/],
    ["half a header", buildWav({ data: pcm }).subarray(0, 30), "audio_truncated", /header/],
    ["a header and no audio", wavHeader({ sampleRate: 16_000 }, 0), "audio_empty", /0 samples/],
    ["a streaming header and no audio", wavHeader({ sampleRate: 16_000 }), "audio_empty", /0 samples/],
    [
      "half of its audio",
      buildWav({ data: pcm }).subarray(0, 16_044),
      "audio_truncated",
      /32000 bytes are declared and 16000/,
    ],
    ["more audio than it says", buildWav({ data: pcm, dataSize: 1_000 }), "audio_corrupt", /more audio/],
    [
      "NaN",
      buildWav({ formatTag: 3, bits: 32, data: encodeSamples(nan, 32, "float") }),
      "audio_invalid_samples",
      /not numbers/,
    ],
    [
      "NaN at 64 bits",
      buildWav({ formatTag: 3, bits: 64, data: encodeSamples(nan, 64, "float") }),
      "audio_invalid_samples",
      /numbers/,
    ],
    [
      "infinity, resampled",
      buildWav({ formatTag: 3, bits: 32, sampleRate: 44_100, data: encodeSamples(infinite, 32, "float") }),
      "audio_invalid_samples",
      /not numbers/,
    ],
    ["no channels", buildWav({ data: pcm, channels: 0 }), "audio_corrupt", /0 channels/],
    ["a rate of 0", buildWav({ data: pcm, sampleRate: 0 }), "audio_unsupported", /0 Hz/],
    ["a rate of 1 Hz, a bomb", buildWav({ data: pcm, sampleRate: 1 }), "audio_unsupported", /1 Hz/],
    ["an encoding that is not PCM", buildWav({ data: pcm, formatTag: 0x11 }), "audio_unsupported", /17/],
    ["a header that contradicts itself", buildWav({ data: pcm, blockAlign: 5 }), "audio_corrupt", /contradicts/],
    ["hours in its header", buildWav({ data: pcm, dataSize: 90_000_000 }), "audio_truncated", /declared/],
  ])("with %s fails as what it is", async (_, bytes, code, message) => {
    expect(await decode(bytes)).toEqual({ code, message: expect.stringMatching(message) });
  });

  test("is too long by its header, before any of it is decoded", async () => {
    const head = wavHeader({ sampleRate: 16_000 }, 601 * 32_000);
    async function* endless() {
      yield Buffer.concat([head, Buffer.alloc(8_192)]);
      throw new Error("must not be read");
    }
    const reader = createByteReader(endless(), { maxBytes: 1e9 });
    const result = await outcome(decodeSegments(reader, { maxSeconds: 600, segmentSeconds: 25 }));
    expect(result).toMatchObject({ code: "audio_too_long", message: expect.stringContaining("601 s") });
  });
});
