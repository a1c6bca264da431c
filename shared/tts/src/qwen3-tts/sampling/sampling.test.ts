import fc from "fast-check";
import { expect, test } from "vitest";
import { createFirstCodeChooser, isDrawn, type Sampling, samplingSchema } from "./sampling.ts";

const VOCABULARY = 30;
const ids = { sounds: 20, end: 22, vocabulary: VOCABULARY };
const scores = fc
  .array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: VOCABULARY, maxLength: VOCABULARY })
  .map((values) => Float32Array.from(values));
const said = fc.array(fc.nat(19), { maxLength: 12 });
const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const official: Sampling = samplingSchema.parse({});
const greedy: Sampling = { ...official, temperature: 0 };

test("the official package's defaults", () => {
  expect(official).toEqual({
    temperature: 0.9,
    topK: 50,
    topP: 1,
    repetitionPenalty: 1.05,
    predictorTemperature: 0.9,
    predictorTopK: 50,
  });
  expect([official, greedy, { ...greedy, predictorTemperature: 0 }].map(isDrawn)).toEqual([true, true, false]);
});

test("only sound and the end are ever chosen, and no end in front of two frames", () => {
  fc.assert(
    fc.property(scores, said, at, fc.constantFrom(official, greedy), (values, before, number, sampling) => {
      const code = createFirstCodeChooser(ids, sampling)(values, before, number);
      if (before.length < 2) expect(code).toBeLessThan(ids.sounds);
      else expect(code < ids.sounds || code === ids.end).toBe(true);
    }),
  );
});

test("the likeliest is taken at a temperature of 0, once what was said has its penalty", () => {
  const values = new Float32Array(VOCABULARY).fill(1);
  values[25] = 9;
  values[4] = 3;
  values[7] = 2.9;
  const choose = createFirstCodeChooser(ids, greedy);
  expect(choose(values, [1, 2], 0.99)).toBe(4);
  expect(choose(values, [1, 2, 4], 0.99)).toBe(7);
  values[ids.end] = 8;
  expect(choose(values, [1], 0)).toBe(4);
  expect(choose(values, [1, 2], 0)).toBe(ids.end);
});

test("codes are drawn as often as they are likely", () => {
  const values = new Float32Array(VOCABULARY).fill(-50);
  values.set([0, Math.log(2) * 0.9, Math.log(5) * 0.9]);
  const choose = createFirstCodeChooser(ids, { ...official, topK: 3 });
  const counts = [0, 0, 0];
  for (let n = 0; n < 800; n++) {
    const code = choose(values, [], (n + 0.5) / 800);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  expect(counts).toEqual([100, 200, 500]);
});
