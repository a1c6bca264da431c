import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alignLabels } from "./alignment.ts";
import type { Emissions } from "./emissions.ts";
import { labelLikelihood } from "./forward.ts";
import { decodeGreedily } from "./greedy.ts";
import { logAdd } from "./log-add.ts";
import { createRandom, randomEmissions, spokenEmissions } from "./synthetic.ts";

/** Every path of labels through the frames, with what it says and its log-probability. */
export function* everyPath(emissions: Emissions): Generator<{ path: number[]; said: number[]; score: number }> {
  const { frames, labels, data, offset } = emissions;
  for (let number = 0; number < labels ** frames; number++) {
    const path = Array.from({ length: frames }, (_, frame) => Math.floor(number / labels ** frame) % labels);
    const said = path.filter((label, frame) => label !== 0 && label !== path[frame - 1]);
    const score = path.reduce((sum, label, frame) => sum + (data[offset + frame * labels + label] ?? 0), 0);
    yield { path, said, score };
  }
}

const seeds = fc.integer({ min: 1, max: 1_000_000 });

describe("labelLikelihood", () => {
  it("is the sum over every path that says the labels", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 5 }), (seed, frames) => {
        const emissions = randomEmissions(frames, 3, createRandom(seed));
        const sums = new Map<string, number>();
        for (const { said, score } of everyPath(emissions)) {
          const key = said.join(" ");
          sums.set(key, Math.log(Math.exp(sums.get(key) ?? Number.NEGATIVE_INFINITY) + Math.exp(score)));
        }
        for (const [key, expected] of sums) {
          const labels = key === "" ? [] : key.split(" ").map(Number);
          expect(labelLikelihood(emissions, labels)).toBeCloseTo(expected, 4);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("is minus infinity for labels that do not fit the frames", () => {
    const emissions = randomEmissions(3, 4, createRandom(1));
    expect(labelLikelihood(emissions, [1, 2, 3, 1])).toBe(Number.NEGATIVE_INFINITY);
    expect(labelLikelihood(emissions, [1, 1])).toBeGreaterThan(Number.NEGATIVE_INFINITY);
    expect(labelLikelihood(emissions, [1, 1, 2])).toBe(Number.NEGATIVE_INFINITY);
  });

  it("looks at the frames it is given only", () => {
    const emissions = spokenEmissions([1, 2, 3], { labels: 4, gap: 1 });
    expect(labelLikelihood(emissions, [2], 2, 5)).toBeGreaterThan(-0.1);
    expect(labelLikelihood(emissions, [1], 2, 5)).toBeLessThan(-5);
    expect(labelLikelihood(emissions, [], 2, 2)).toBe(0);
  });
});

describe("alignLabels", () => {
  it("is the likeliest path that says the labels", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const emissions = randomEmissions(5, 3, createRandom(seed));
        for (const labels of [[1], [2, 1], [1, 1], [1, 2, 1]]) {
          let best: { path: number[]; score: number } | undefined;
          for (const candidate of everyPath(emissions)) {
            if (
              candidate.said.join() === labels.join() &&
              candidate.score > (best?.score ?? Number.NEGATIVE_INFINITY)
            ) {
              best = candidate;
            }
          }
          const { starts, ends } = alignLabels(emissions, labels) ?? { starts: [], ends: [] };
          const path = Array<number>(5).fill(0);
          for (const [index, label] of labels.entries()) path.fill(label, starts[index], ends[index]);
          expect(path).toEqual(best?.path);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("answers nothing when the labels do not fit", () => {
    expect(alignLabels(randomEmissions(3, 3, createRandom(2)), [1, 1, 1])).toBeUndefined();
  });
});

describe("decodeGreedily", () => {
  it("takes out blanks and repeats and tells where each label was said", () => {
    const emissions = spokenEmissions([1, 2, 2], { labels: 3, gap: 1 });
    expect(decodeGreedily(emissions)).toMatchObject({ labels: [1, 2, 2], starts: [1, 3, 5], ends: [2, 4, 6] });
  });
});

describe("logAdd", () => {
  it("is right to a millionth, at the ends too", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -60, max: 5, noNaN: true }),
        fc.double({ min: -60, max: 5, noNaN: true }),
        (a, b) => {
          expect(Math.abs(logAdd(a, b) - (Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))))).toBeLessThan(1e-6);
        },
      ),
    );
    expect(logAdd(Number.NEGATIVE_INFINITY, -3)).toBe(-3);
    expect(logAdd(-3, Number.NEGATIVE_INFINITY)).toBe(-3);
    expect(logAdd(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
  });
});
