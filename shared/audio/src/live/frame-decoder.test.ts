import { type LiveEncoding, type LiveFormat, SpeechError } from "@parlance/contracts";
import fc from "fast-check";
import { createEncoder } from "libopus-wasm";
import { beforeAll, describe, expect, test } from "vitest";
import { correlate } from "../testing/sources.ts";
import { voice } from "../testing/voice.ts";
import { encodeSamples } from "../testing/wav.ts";
import { createFrameDecoder, type FrameDecoder } from "./frame-decoder.ts";
import { BEFORE_BLOCK, BLOCK, firstHeard, hearFrom } from "./hearing-blocks.ts";
import { frameAfter, frameSamples, phaseOf } from "./live-format.ts";

const pcm = (rate: number): LiveFormat => ({ encoding: "pcm", rate });
const opus: LiveFormat = { encoding: "opus", rate: 48_000 };

function concat(parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

/** Decodes bytes in steps of so many samples each. */
async function decodeAll(bytes: Uint8Array, format: LiveFormat, steps: readonly number[], from = 0) {
  const decoder = await createFrameDecoder(format, from);
  const width = format.encoding === "pcm" ? 2 : 1;
  const parts: Int16Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const step = (steps[turn % steps.length] ?? 1) * width;
    parts.push(decoder.push(bytes.subarray(at, at + step)));
    at += step;
  }
  return { start: decoder.start, samples: concat([...parts, decoder.end()]) };
}

const noise = (length: number) =>
  Uint8Array.from({ length }, (_, at) => (Math.imul(at * at, 2_654_435_761) >>> 24) & 255);
const refusal = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    if (error instanceof SpeechError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "taken";
};

/** 20 ms packets of a voice. */
const packets: Uint8Array[] = [];
beforeAll(async () => {
  const encoder = await createEncoder({ channels: 1, sampleRate: 16_000 });
  const sound = voice(16_000, 12);
  for (let at = 0; at + 320 <= sound.length; at += 320) packets.push(encoder.encodeFloat(sound.slice(at, at + 320)));
  encoder.free();
});

describe("the frames of a session", () => {
  test.each(["pcm", "mulaw", "alaw"] satisfies LiveEncoding[])(
    "as %s give the same samples, however they were cut",
    async (encoding) => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(8_000, 11_025, 16_000, 24_000, 44_100, 47_999, 48_000),
          fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 5 }),
          async (rate, steps) => {
            const format = { encoding, rate };
            const bytes = noise(8_000);
            const whole = await decodeAll(bytes, format, [bytes.length]);
            expect(whole.samples.length).toBe(Math.ceil((frameSamples(bytes, format) * 16_000) / rate));
            expect(await decodeAll(bytes, format, steps)).toEqual(whole);
          },
        ),
        { numRuns: 12 },
      );
    },
  );

  test("at 16 kHz are the samples that were sent", async () => {
    const sent = encodeSamples(voice(16_000, 1), 16);
    const { samples } = await decodeAll(sent, pcm(16_000), [777]);
    expect(Buffer.compare(Buffer.from(samples.buffer), Buffer.from(sent))).toBe(0);
  });

  test.each([8_000, 44_100, 48_000])("at %i Hz are the voice at 16 kHz, in its place", async (rate) => {
    const { samples } = await decodeAll(encodeSamples(voice(rate), 16), pcm(rate), [960]);
    const { correlation, lag } = correlate(samples, voice(16_000), 20);
    expect(lag).toBe(0);
    expect(correlation).toBeGreaterThan(0.99);
  });

  test.each([8_000, 11_025, 16_000, 44_100, 47_999])(
    "at %i Hz, begun where hearing begins anew, line up with all of them: the same samples from the first that counts",
    async (rate) => {
      const format = pcm(rate);
      const bytes = noise(rate * 2 * 12);
      const whole = await decodeAll(bytes, format, [rate]);
      for (const at of [0, 60_000, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK + 33_333]) {
        const from = hearFrom(at, format);
        expect(from % phaseOf(format).own).toBe(0);
        const first = firstHeard(from, format);
        expect(first % BLOCK).toBe(0);
        expect(first).toBeLessThanOrEqual(at);
        expect(at - (from * 16_000) / rate).toBeLessThan(BLOCK + BEFORE_BLOCK + 64 + phaseOf(format).heard);
        const later = await decodeAll(frameAfter(bytes, format, from), format, [1_000], from);
        expect(later.start).toBe((from * 16_000) / rate);
        // What the model hears before the block counts too.
        const counts = Math.max(0, first - BEFORE_BLOCK);
        const same = later.samples.subarray(counts - later.start);
        expect(Buffer.compare(Buffer.from(same.slice().buffer), Buffer.from(whole.samples.slice(counts).buffer))).toBe(
          0,
        );
      }
    },
  );

  test("of silence are as those of zeros", async () => {
    const bytes = noise(8_000);
    for (const rate of [8_000, 44_100]) {
      const [a, b] = [await createFrameDecoder(pcm(rate)), await createFrameDecoder(pcm(rate))];
      const run = (decoder: FrameDecoder, gap: () => Int16Array) =>
        concat([decoder.push(bytes), gap(), decoder.push(bytes), decoder.end()]);
      expect(run(a, () => a.silence(50_001))).toEqual(run(b, () => b.push(new Uint8Array(100_002))));
    }
  });

  test("as Opus are the voice, packet by packet, and a packet that is none leaves the others as they are", async () => {
    const decoder = await createFrameDecoder(opus);
    const parts = packets.map((packet) => decoder.push(packet));
    expect(parts.every(({ length }) => length === 320)).toBe(true);
    expect(correlate(concat(parts), voice(16_000, 12), 200).correlation).toBeGreaterThan(0.9);
    const disturbed = await createFrameDecoder(opus);
    const others = packets.map((packet, at) => {
      if (at % 50 === 7) {
        for (const bad of [Uint8Array.of(3, 0, 1), Uint8Array.of(0xff, 0xff), Uint8Array.of(0x0b, 0x41, 0xfc, 0xff)]) {
          expect(refusal(() => disturbed.push(bad))).toMatch(/^frame_invalid: .*Opus/);
        }
      }
      return disturbed.push(packet);
    });
    expect(concat(others)).toEqual(concat(parts));
    decoder.free();
    disturbed.free();
  });

  test("as Opus, begun later, come to the same samples within a second", async () => {
    const decoder = await createFrameDecoder(opus);
    const parts = packets.map((packet) => decoder.push(packet));
    const later = await createFrameDecoder(opus, 100 * 960);
    expect(later.start).toBe(100 * 320);
    const others = packets.slice(100).map((packet) => later.push(packet));
    expect(concat(others.slice(50))).toEqual(concat(parts.slice(150)));
  });

  test("that cannot be read say why, and the session goes on", async () => {
    const decoder = await createFrameDecoder(pcm(16_000));
    expect(refusal(() => decoder.push(new Uint8Array(321)))).toMatch(/frame_invalid: .*321 bytes.*even/);
    expect(refusal(() => decoder.push(new Uint8Array(192_002)))).toMatch(/frame_invalid: .*limit is 192000/);
    expect(decoder.push(Uint8Array.of(1, 0, 2, 1))).toEqual(Int16Array.of(1, 258));
    expect(decoder.push(new Uint8Array(0))).toEqual(new Int16Array(0));
    await expect(createFrameDecoder(pcm(44_100), 100)).rejects.toThrow(RangeError);
  });

  test("are as long as they say, before they are decoded", () => {
    const lengths = [
      [Uint8Array.of(0), 480],
      [Uint8Array.of(3 << 3), 2_880],
      [Uint8Array.of((12 << 3) | 1), 960],
      [Uint8Array.of(13 << 3), 960],
      [Uint8Array.of(16 << 3), 120],
      [Uint8Array.of((19 << 3) | 3, 6), 5_760],
    ] as const;
    for (const [bytes, samples] of lengths) expect(frameSamples(bytes, opus)).toBe(samples);
    expect(refusal(() => frameSamples(Uint8Array.of((19 << 3) | 3, 7), opus))).toMatch(/^frame_invalid/);
    expect(refusal(() => frameSamples(Uint8Array.of((19 << 3) | 3, 0), opus))).toMatch(/^frame_invalid/);
    expect(frameSamples(new Uint8Array(160), { encoding: "mulaw", rate: 8_000 })).toBe(160);
    expect(frameAfter(Uint8Array.of(1, 2, 3, 4), pcm(8_000), 1)).toEqual(Uint8Array.of(3, 4));
    expect(frameAfter(Uint8Array.of(1, 2, 3, 4), { encoding: "alaw", rate: 8_000 }, 9).length).toBe(0);
    expect(frameAfter(packets[0] ?? noise(1), opus, 960).length).toBe(0);
  });
});
