import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { labelLikelihood } from "../emissions/forward.ts";
import { decodeGreedily } from "../emissions/greedy.ts";
import { createRandom, randomEmissions, spokenEmissions } from "../emissions/synthetic.ts";
import { createPhraseGraph, phraseLikelihood } from "./phrase-graph.ts";

type Words = number[][][];

function everyWay(words: Words): number[][] {
  return words.reduce<number[][]>(
    (ways, pronunciations, index) =>
      ways.flatMap((way) => pronunciations.map((labels) => [...way, ...(index === 0 ? [] : [1]), ...labels])),
    [[]],
  );
}

const pronunciation = fc.array(fc.integer({ min: 2, max: 5 }), { minLength: 1, maxLength: 3 });
const distinctWays = fc.uniqueArray(pronunciation, { minLength: 1, maxLength: 3, selector: (labels) => labels.join() });

describe("phraseLikelihood", () => {
  it("is the sum over all ways to say the phrase", () => {
    fc.assert(
      fc.property(
        fc.array(distinctWays, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 14 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (words, frames, seed) => {
          const emissions = randomEmissions(frames, 6, createRandom(seed));
          const sum = everyWay(words).reduce(
            (total, labels) => total + Math.exp(labelLikelihood(emissions, labels)),
            0,
          );
          const found = phraseLikelihood(emissions, createPhraseGraph(words));
          if (sum === 0) expect(found).toBe(Number.NEGATIVE_INFINITY);
          else expect(found).toBeCloseTo(Math.log(sum), 4);
        },
      ),
    );
  });

  it("keeps its value when the window leaves most of a long phrase out", () => {
    const words: Words = Array.from({ length: 40 }, (_, n) => [[2 + (n % 4), 3, 2], [2 + ((n + 1) % 4)]]);
    const said = words.flatMap(([first = []], n) => (n === 0 ? first : [1, ...first]));
    const emissions = spokenEmissions(said, { labels: 6, random: createRandom(2) });
    const found = phraseLikelihood(emissions, createPhraseGraph(words));
    expect(found).toBeGreaterThanOrEqual(labelLikelihood(emissions, said) - 1e-4);
    expect(found).toBeLessThan(labelLikelihood(emissions, said) + 0.1);
  });

  it("gives up what has fallen too far behind the best free path, and only that", () => {
    const emissions = spokenEmissions([2, 3, 1, 4, 5], { labels: 6, random: createRandom(8) });
    const { scores, score } = decodeGreedily(emissions);
    for (const words of [[[[2, 3]], [[4, 5]]], [[[3, 3]], [[4, 5]]], [[[2]]]] satisfies Words[]) {
      const graph = createPhraseGraph(words);
      const exact = phraseLikelihood(emissions, graph);
      expect(phraseLikelihood(emissions, graph, { free: scores, behind: score - exact + 0.1 })).toBe(exact);
    }
    const graph = createPhraseGraph([[[5, 2, 5]]]);
    expect(phraseLikelihood(emissions, graph, { free: scores, behind: 3 })).toBe(Number.NEGATIVE_INFINITY);
  });
});
