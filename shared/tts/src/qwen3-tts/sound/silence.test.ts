import fc from "fast-check";
import { expect, test } from "vitest";
import { createSilenceTrimmer } from "./silence.ts";

const RATE = 24_000;
const EDGE = 4 * 240;

/** Stretches of sound and silence, in samples. */
function soundOf(stretches: readonly (readonly [loud: boolean, samples: number])[]): Float32Array {
  const values = stretches.flatMap(([loud, samples]) =>
    Array.from({ length: samples }, (_, at) => (loud ? 0.5 * Math.sin(at / 3 + 1) : 0.0005 * Math.cos(at))),
  );
  return Float32Array.from(values);
}

function trimmed(samples: Float32Array, cuts: readonly number[] = []) {
  const trimmer = createSilenceTrimmer(RATE);
  const parts: Float32Array[] = [];
  let from = 0;
  for (const cut of [...cuts.map((each) => each % (samples.length + 1)).toSorted((a, b) => a - b), samples.length]) {
    parts.push(trimmer.push(samples.slice(from, cut)));
    from = cut;
  }
  parts.push(trimmer.end());
  return { sound: Float32Array.from(parts.flatMap((part) => [...part])), parts, heard: trimmer.heard };
}

const stretches = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 4_000 })), { minLength: 1, maxLength: 6 });
const cuts = fc.array(fc.nat(24_000), { maxLength: 8 });

test("what stays is one stretch of the sound, from just before the first that is heard to just behind the last", () => {
  fc.assert(
    fc.property(stretches, cuts, (of, at) => {
      const samples = soundOf(of);
      const { sound, heard } = trimmed(samples, at);
      const windows = [...Array(Math.floor(samples.length / 240)).keys()];
      const loud = windows.filter((window) =>
        samples.subarray(window * 240, window * 240 + 240).some((s) => Math.abs(s) > 0.003),
      );
      // A window of which a few samples sound may count as silent.
      if (!heard) {
        expect(sound.length).toBe(0);
        return;
      }
      const whole = [...samples];
      const begin = whole.findIndex((_, index) => sound.every((value, place) => whole[index + place] === value));
      expect(begin).toBeGreaterThanOrEqual(0);
      expect(begin).toBeLessThanOrEqual((loud[0] ?? 0) * 240 + 240);
      expect(begin + sound.length).toBeLessThanOrEqual(((loud.at(-1) ?? 0) + 1) * 240 + EDGE);
      expect(begin).toBeGreaterThanOrEqual(Math.max(0, (loud[0] ?? 0) * 240 - EDGE));
    }),
    { numRuns: 60 },
  );
});

test("it is the same sound, however it is cut on its way", () => {
  fc.assert(
    fc.property(stretches, cuts, (of, at) => {
      const samples = soundOf(of);
      expect(trimmed(samples, at).sound).toEqual(trimmed(samples).sound);
    }),
    { numRuns: 60 },
  );
});

test("silence inside stays whole, and is told as soon as it is known to be inside", () => {
  const samples = soundOf([
    [false, 24_000],
    [true, 4_800],
    [false, 24_000],
    [true, 4_800],
    [false, 24_000],
  ]);
  const { sound, parts } = trimmed(samples, [33_600, 57_600]);
  expect(sound.length).toBe(EDGE + 4_800 + 24_000 + 4_800 + EDGE);
  expect(parts.map(({ length }) => length)).toEqual([EDGE + 4_800, 24_000 + 4_800, 0, EDGE]);
});

test("where nothing is heard nothing stays", () => {
  const { sound, heard } = trimmed(soundOf([[false, 50_000]]), [7, 900]);
  expect(heard).toBe(false);
  expect(sound.length).toBe(0);
});
