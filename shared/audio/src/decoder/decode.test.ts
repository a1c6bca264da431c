import { describe, expect, test } from "vitest";
import { createByteReader } from "../formats/byte-reader.ts";
import { id3, POISON_MAX_SECONDS, poisonCorpus } from "../testing/poison.ts";
import { correlate, fixture, inChunks, outcome } from "../testing/sources.ts";
import { VOICE_SECONDS, voice } from "../testing/voice.ts";
import { decodeSegments } from "./decode.ts";

const decode = (bytes: Uint8Array, size = 65_536) =>
  outcome(
    decodeSegments(createByteReader(inChunks(bytes, size), { total: bytes.length, maxBytes: 1e8 }), {
      maxSeconds: POISON_MAX_SECONDS,
      segmentSeconds: 25,
    }),
  );

const original = voice(16_000);

/** Encoders without a trim table leave their padding: up to 50 ms at the beginning and the end of MP3, a frame of AAC. */
const formats: [name: string, correlation: number, lag: number, extraSamples: number][] = [
  ["voice.flac", 0.99999, 0, 0],
  ["voice-flac.ogg", 0.99999, 0, 0],
  ["voice.mp3", 0.999, 0, 0],
  ["voice-vbr-16k.mp3", 0.997, 1_105, 1_600],
  ["voice.ogg", 0.995, 0, 0],
  ["voice.opus", 0.995, 0, 0],
  ["voice.webm", 0.995, 0, 320],
  ["voice-vorbis.webm", 0.995, 0, 320],
  ["voice.m4a", 0.99, 0, 320],
  ["voice-faststart.m4a", 0.99, 0, 320],
  ["voice-fragmented.mp4", 0.99, 0, 320],
  ["film.mp4", 0.99, 0, 320],
  ["voice.aac", 0.99, 0, 320],
];

describe("every format comes out as the sound that went in, at the place where it was", () => {
  test.each(formats)("%s", async (name, correlation, lag, extra) => {
    const result = await decode(fixture(name));
    if (!("samples" in result)) throw new Error(result.message);
    const length = VOICE_SECONDS * 16_000;
    expect(result.samples.length).toBeGreaterThanOrEqual(length);
    expect(result.samples.length).toBeLessThanOrEqual(length + extra);
    const found = correlate(result.samples, original);
    expect(found.lag).toBe(lag);
    expect(found.correlation).toBeGreaterThan(correlation);
  });

  test.each(formats.map(([name]) => name))("%s, whatever pieces it arrives in", async (name) => {
    const whole = await decode(fixture(name));
    expect(await decode(fixture(name), 997)).toEqual(whole);
  });

  test("an MP3 behind a picture of a megabyte", async () => {
    expect(await decode(Buffer.concat([id3(1_000_000), fixture("voice.mp3")]))).toEqual(
      await decode(fixture("voice.mp3")),
    );
  });

  test("Ogg streams that are chained are one audio", async () => {
    const twice = Buffer.concat([fixture("voice.opus"), fixture("voice.opus")]);
    expect(await decode(twice)).toMatchObject({ samples: { length: 2 * VOICE_SECONDS * 16_000 } });
  });
});

describe("poison comes to its own error", () => {
  test.each(poisonCorpus().map(({ name, bytes, code }) => [name, code, bytes] as const))(
    "%s: %s",
    async (_, code, bytes) => {
      const result = await decode(bytes);
      expect(result).toMatchObject({ code });
      expect("message" in result && result.message.length).toBeGreaterThan(10);
    },
  );
});
