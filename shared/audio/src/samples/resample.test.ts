import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createResampler } from "./resample.ts";

function resample(samples: Float32Array, from: number, to = 16_000, step = samples.length || 1): Float32Array {
  const resampler = createResampler(from, to);
  const parts: number[] = [];
  for (let at = 0; at < samples.length; at += step) parts.push(...resampler.push(samples.subarray(at, at + step)));
  parts.push(...resampler.end());
  return Float32Array.from(parts);
}

const tone = (rate: number, hertz: number, seconds = 1) =>
  Float32Array.from({ length: rate * seconds }, (_, index) => Math.sin((2 * Math.PI * hertz * index) / rate));

/** Level of what came out in dB, the first and last 50 ms left out. */
function level(samples: Float32Array): number {
  const middle = samples.subarray(800, samples.length - 800);
  const power = middle.reduce((sum, value) => sum + value * value, 0) / middle.length;
  return 10 * Math.log10(2 * power + 1e-14);
}

const rates = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 47_999, 48_000, 96_000, 192_000];

describe("resampling to 16 kHz", () => {
  test.each(rates)("from %i Hz keeps a tone of the speech band at its level and in its place", (rate) => {
    const output = resample(tone(rate, 440), rate);
    const expected = tone(16_000, 440);
    expect(output.length).toBe(16_000);
    let worst = 0;
    for (let index = 800; index < 15_200; index += 1) {
      worst = Math.max(worst, Math.abs((output[index] ?? 0) - (expected[index] ?? 0)));
    }
    expect(worst).toBeLessThan(2e-4);
  });

  test.each([22_050, 24_000, 44_100, 47_999, 48_000, 96_000])(
    "from %i Hz does not let what 16 kHz cannot hold alias",
    (rate) => {
      for (const hertz of [8_600, 9_500, 10_900]) expect(level(resample(tone(rate, hertz), rate))).toBeLessThan(-90);
      expect(level(resample(tone(rate, 7_000), rate))).toBeGreaterThan(-0.2);
    },
  );

  test("silence and a constant stay what they are", () => {
    expect(Math.max(...resample(new Float32Array(4_410), 44_100).map(Math.abs))).toBe(0);
    const constant = resample(new Float32Array(44_100).fill(0.5), 44_100);
    for (let index = 100; index < 15_900; index += 1) expect(constant[index]).toBeCloseTo(0.5, 5);
  });

  test("n samples give ceil(n · 16000 / rate), whatever they are cut into, and the same ones", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...rates, 12_345, 999_983),
        fc.integer({ min: 0, max: 5_000 }),
        fc.integer({ min: 1, max: 1_000 }),
        (rate, length, step) => {
          const noise = Float32Array.from({ length }, (_, index) => Math.sin(index * index));
          const whole = resample(noise, rate);
          expect(whole.length).toBe(Math.ceil((length * 16_000) / rate));
          expect(resample(noise, rate, 16_000, step)).toEqual(whole);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("two at once do not disturb each other", () => {
    const noise = tone(48_000, 300);
    const alone = resample(noise, 48_000);
    const a = createResampler(48_000, 16_000);
    const b = createResampler(48_000, 16_000);
    const first = a.push(noise);
    b.push(noise.map((value) => -value));
    expect(Float32Array.from([...first, ...a.end()])).toEqual(alone);
  });
});
