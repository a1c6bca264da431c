import { fromHalves } from "@parlance/inference";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createNumbers } from "./random-numbers.ts";
import type { NumberKind, WeightRule } from "./shape.ts";

const rule: WeightRule = { seed: 3, width: 0.4, centre: 1, quiet: [[10, 14]] };

function numbersOf(kind: NumberKind, of: WeightRule, first: number, length: number) {
  const numbers = createNumbers(kind, of);
  const into = numbers.make(length);
  numbers.fill(into, first);
  return into;
}

it("a tensor has the same numbers in float32 and in float16", () => {
  const halves = numbersOf("float16", rule, 0, 5_000);
  expect(halves).toBeInstanceOf(Uint16Array);
  if (halves instanceof Uint16Array) expect(fromHalves(halves)).toEqual(numbersOf("float32", rule, 0, 5_000));
});

it("a part is what lies there in the whole, wherever it is cut", () => {
  const whole = numbersOf("float32", rule, 0, 1_000);
  fc.assert(
    fc.property(fc.nat(499), fc.integer({ min: 1, max: 200 }), (half, length) => {
      const from = 2 * half;
      expect(numbersOf("float32", rule, from, length).slice(0, 1_000 - from)).toEqual(whole.slice(from, from + length));
    }),
  );
});

it("numbers are spread over their range, differ from seed to seed, and quiet ones are zero", () => {
  const numbers = Array.from(numbersOf("float32", rule, 0, 20_000));
  expect(numbers.slice(10, 14)).toEqual([0, 0, 0, 0]);
  const loud = numbers.slice(14);
  expect(Math.min(...loud)).toBeGreaterThanOrEqual(0.6 - 1e-3);
  expect(Math.max(...loud)).toBeLessThanOrEqual(1.4 + 1e-3);
  expect(loud.reduce((sum, each) => sum + each, 0) / loud.length).toBeCloseTo(1, 1);
  expect(new Set(loud).size).toBeGreaterThan(500);
  expect(numbersOf("float32", { ...rule, seed: 4 }, 14, 50)).not.toEqual(numbersOf("float32", rule, 14, 50));
});

it("codes of eight bits use all of them, and one number for all is exact", () => {
  const codes = numbersOf("int8", { ...rule, quiet: [] }, 0, 50_000);
  expect([Math.min(...codes), Math.max(...codes)]).toEqual([-127, 127]);
  const scales = numbersOf("float32", { seed: 1, width: 0, centre: 7e-6, quiet: [] }, 0, 3);
  expect(scales).toEqual(Float32Array.of(7e-6, 7e-6, 7e-6));
});
