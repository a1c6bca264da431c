import fc from "fast-check";
import { expect, test } from "vitest";
import { frameNoise, nextSeed } from "./noise.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test("every number is from 0 to below 1, in float32 too, and follows from seed, frame and code alone", () => {
  fc.assert(
    fc.property(seeds, fc.nat(8_000), fc.integer({ min: 1, max: 32 }), (seed, frame, codes) => {
      const noise = frameNoise(seed, frame, codes);
      expect(noise).toHaveLength(codes);
      for (const value of noise) expect(value >= 0 && value < 1).toBe(true);
      expect(frameNoise(seed, frame, codes)).toEqual(noise);
    }),
  );
});

test("numbers of a row's frames, and of rows with seeds beside each other, are spread evenly and are others", () => {
  const many = Array.from({ length: 1_000 }, (_, n) => n);
  for (const numbers of [
    many.flatMap((frame) => [...frameNoise(7, frame, 16)]),
    many.flatMap((seed) => [...frameNoise(seed, 0, 16)]),
  ]) {
    const counts = new Array<number>(16).fill(0);
    for (const number of numbers) counts[Math.floor(number * 16)] = (counts[Math.floor(number * 16)] ?? 0) + 1;
    // Of 15 degrees of freedom: below 44.3 in 99.99 of 100 cases, and these are always the same numbers.
    const expected = numbers.length / 16;
    expect(counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)).toBeLessThan(44.3);
    expect(new Set(numbers).size).toBeGreaterThan(0.99 * numbers.length);
  }
});

test("the seed of a second try is another, of 32 bits", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const next = nextSeed(seed);
      expect(next).not.toBe(seed);
      expect(next >>> 0).toBe(next);
    }),
  );
});
