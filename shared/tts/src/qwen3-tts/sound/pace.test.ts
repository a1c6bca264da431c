import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPace } from "./pace.ts";

const RATE = 24_000;

/** A vowel: a pulse of so many Hz through two formants, with a fall of pitch as in speech. */
function vowel(seconds: number, hertz: number): Float32Array {
  const samples = new Float32Array(Math.round(seconds * RATE));
  let phase = 0;
  for (let at = 0; at < samples.length; at++) {
    phase += (hertz * (1 - (0.15 * at) / samples.length)) / RATE;
    let value = 0;
    for (let harmonic = 1; harmonic * hertz < 4_000; harmonic++) {
      const distance = Math.min(Math.abs(harmonic * hertz - 600), Math.abs(harmonic * hertz - 1_500));
      value += Math.sin(2 * Math.PI * harmonic * phase) / (1 + (distance / 150) ** 2) / 4;
    }
    samples[at] = value;
  }
  return samples;
}

function paced(samples: Float32Array, speed: number, size = samples.length): Float32Array {
  const pace = createPace(RATE, speed);
  const parts: Float32Array[] = [];
  for (let from = 0; from < samples.length; from += size) parts.push(pace.push(samples.slice(from, from + size)));
  parts.push(pace.end());
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

const rms = (samples: Float32Array) =>
  Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);

/** Hz by the largest autocorrelation of the middle. */
function pitchOf(samples: Float32Array): number {
  const middle = samples.subarray((samples.length >> 1) - 1_200, (samples.length >> 1) + 1_200);
  let best = { lag: 0, value: 0 };
  for (let lag = 60; lag < 400; lag++) {
    let value = 0;
    for (let at = 0; at + lag < middle.length; at++) value += (middle[at] ?? 0) * (middle[at + lag] ?? 0);
    value /= middle.length - lag;
    if (value > 1.02 * best.value) best = { lag, value };
  }
  return RATE / best.lag;
}

describe.each([0.25, 0.7, 1.25, 4])("at %f of the pace", (speed) => {
  test.each([90, 220])("a voice of %i Hz keeps pitch and level, and takes as long as it should", (hertz) => {
    const samples = vowel(1, hertz);
    const sound = paced(samples, speed);
    expect(sound.length).toBe(Math.round(samples.length / speed));
    expect(Math.abs(pitchOf(sound) / pitchOf(samples) - 1)).toBeLessThan(0.03);
    expect(rms(sound) / rms(samples)).toBeGreaterThan(0.85);
    expect(rms(sound) / rms(samples)).toBeLessThan(1.1);
  });
});

test("no clicks: no sample is further from its neighbours than in the sound itself", () => {
  const samples = vowel(1, 120);
  const bend = (of: Float32Array) =>
    of.reduce(
      (most, value, at) => Math.max(most, Math.abs(2 * value - (of[at - 1] ?? value) - (of[at + 1] ?? value))),
      0,
    );
  for (const speed of [0.5, 0.7, 1.5, 2.5])
    expect(bend(paced(samples, speed).subarray(1, -1))).toBeLessThan(1.5 * bend(samples));
});

test("however the sound comes it is the same, and at its own pace it is untouched", () => {
  const samples = vowel(0.4, 150);
  expect(paced(samples, 1, 100)).toEqual(samples);
  fc.assert(
    fc.property(fc.integer({ min: 50, max: 9_000 }), fc.constantFrom(0.5, 1.3, 3), (size, speed) => {
      expect(paced(samples, speed, size)).toEqual(paced(samples, speed));
    }),
    { numRuns: 8 },
  );
});

test("very short sounds and none at all do no harm", () => {
  for (const length of [0, 1, 100, 500, 2_000]) {
    for (const speed of [0.25, 0.5, 2, 4]) {
      const sound = paced(vowel(length / RATE, 120), speed, Math.max(1, length));
      expect(sound.length).toBeLessThanOrEqual(Math.round(length / speed));
      expect([...sound].every(Number.isFinite)).toBe(true);
    }
  }
});
