import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createSampler, draw, processScores, type SamplingOptions, uniform } from "./sampler.ts";

const golden = z
  .array(
    z.object({
      size: z.number(),
      seed: z.number(),
      step: z.number(),
      seen: z.array(z.number()),
      options: z.object({
        temperature: z.number(),
        topK: z.number(),
        topP: z.number(),
        repetitionPenalty: z.number(),
        suppressed: z.array(z.number()),
      }),
      /** Where the likeliest is taken. */
      token: z.number().optional(),
      /** Number of tokens that may be drawn, the first 400 of them, and their probabilities. */
      kept: z.number().optional(),
      tokens: z.array(z.number()).optional(),
      probabilities: z
        .string()
        .transform((text) => new Float32Array(new Uint8Array(Buffer.from(text, "base64")).buffer))
        .optional(),
    }),
  )
  .parse(
    JSON.parse(gunzipSync(readFileSync(new URL("./fixtures/sampling.json.gz", import.meta.url))).toString("utf8")),
  );

/** The twin of models/recipes/generation/golden.py: multiples of 1 / step from -16 to 16. */
function makeScores({ seed, size, step }: { seed: number; size: number; step: number }): Float32Array {
  let state = seed;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(((state >>> 16) * 32 * step) / 65_536) / step - 16;
  });
}

function probabilitiesOf(scores: Float32Array): number[] {
  const largest = Math.max(...scores);
  const values = Array.from(scores, (score) => Math.exp(score - largest));
  const sum = values.reduce((all, value) => all + value, 0);
  return values.map((value) => value / sum);
}

describe("against transformers' own processors", () => {
  it("has hundreds of cases of every setting, many with equal scores", () => {
    const drawn = golden.filter(({ token }) => token === undefined);
    expect(drawn.length).toBeGreaterThan(250);
    expect(golden.length - drawn.length).toBeGreaterThan(50);
    for (const name of ["temperature", "topK", "topP", "repetitionPenalty"] as const) {
      expect(new Set(golden.map(({ options }) => options[name])).size).toBeGreaterThan(3);
    }
    expect(golden.filter(({ step }) => step === 4).length).toBeGreaterThan(100);
    expect(golden.filter(({ kept = 1 }) => kept > 1).length).toBeGreaterThan(100);
  });

  it("keeps the same tokens at the same probabilities", () => {
    for (const { seen, options, kept, tokens, probabilities, ...made } of golden) {
      if (kept === undefined || tokens === undefined || probabilities === undefined) continue;
      const scores = processScores(makeScores(made), seen, options);
      const own = [...scores.keys()].filter((token) => scores[token] !== Number.NEGATIVE_INFINITY);
      expect({ ...made, options, kept: own.length, tokens: own.slice(0, 400) }).toEqual({
        ...made,
        options,
        kept,
        tokens,
      });
      const found = probabilitiesOf(scores);
      for (const [index, token] of tokens.entries()) {
        const expected = probabilities[index] ?? Number.NaN;
        expect(Math.abs((found[token] ?? 0) - expected)).toBeLessThanOrEqual(1e-6 * expected + 1e-12);
      }
    }
  });

  it("takes the same likeliest token", () => {
    for (const { seen, options, token, ...made } of golden) {
      if (token === undefined) continue;
      expect(createSampler(options, 0).choose(makeScores(made), seen).token).toBe(token);
    }
  });
});

const scoresOf = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 40 });
const optionsOf: fc.Arbitrary<SamplingOptions> = fc.record({
  temperature: fc.constantFrom(0, 0.5, 1, 2),
  topK: fc.nat(10),
  topP: fc.constantFrom(0.1, 0.5, 0.9, 1),
  repetitionPenalty: fc.constantFrom(1, 1.2),
});

describe("a draw", () => {
  it("is a token that may be drawn, and says how likely it was", () => {
    fc.assert(
      fc.property(scoresOf, optionsOf, fc.integer(), fc.array(fc.nat(39)), (values, options, seed, said) => {
        const scores = Float32Array.from(values);
        const { token, logProbability } = createSampler(options, seed).choose(scores, said);
        const processed = processScores(scores, said, options);
        expect(processed[token]).not.toBe(Number.NEGATIVE_INFINITY);
        expect(logProbability).toBeCloseTo(Math.log(probabilitiesOf(processed)[token] ?? 0), 4);
      }),
    );
  });

  it("comes as often as the token is likely", () => {
    const scores = Float32Array.from([1, 0, 2, -1]);
    const counts = [0, 0, 0, 0];
    const many = 40_000;
    for (let n = 0; n < many; n++) {
      const { token } = draw(scores, (n + 0.5) / many);
      counts[token] = (counts[token] ?? 0) + 1;
    }
    for (const [token, probability] of probabilitiesOf(scores).entries()) {
      expect(Math.abs((counts[token] ?? 0) / many - probability)).toBeLessThan(1e-4);
    }
  });

  it("depends on the row's seed and its own draws, whatever other rows draw in between", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), fc.array(fc.boolean()), (seed, other, order) => {
        const scores = Float32Array.from({ length: 50 }, (_, token) => Math.sin(token * 7.1));
        const alone = createSampler({}, seed);
        const [own, beside] = [createSampler({}, seed), createSampler({}, other)];
        for (const turn of order) {
          if (turn) expect(own.choose(scores, [])).toEqual(alone.choose(scores, []));
          else beside.choose(scores, []);
        }
      }),
    );
  });

  it("is spread evenly over seeds and over draws of one seed", () => {
    const bins = (numbers: number[]) => {
      const counts = new Array<number>(16).fill(0);
      for (const number of numbers) counts[Math.floor(number * 16)] = (counts[Math.floor(number * 16)] ?? 0) + 1;
      return counts;
    };
    const many = Array.from({ length: 16_000 }, (_, n) => n);
    for (const numbers of [
      many.map((n) => uniform(5, n)),
      many.map((n) => uniform(n, 0)),
      many.map((n) => uniform(-n, 3)),
    ]) {
      // The chi-square of 15 degrees of freedom is below 44.3 in 99.99 of 100 cases, and these are always the same numbers.
      const chiSquare = bins(numbers).reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
      expect(chiSquare).toBeLessThan(44.3);
    }
    expect(new Set(many.map((n) => uniform(2 ** 40, n))).size).toBe(many.length);
    expect(uniform(2 ** 40, 0)).not.toBe(uniform(0, 0));
  });

  it("cannot be made when every token is suppressed", () => {
    for (const temperature of [0, 1]) {
      const sampler = createSampler({ temperature, suppressed: [0, 1] }, 1);
      expect(() => sampler.choose(new Float32Array(2), [])).toThrow(RangeError);
    }
  });
});
