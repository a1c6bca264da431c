import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placesIn, promptPart } from "./decoder-graph.ts";

describe("the parts of a prompt", () => {
  it("come to the whole, each vector at the place that it is for", () => {
    const cases = fc.record({
      places: fc.integer({ min: 1, max: 30 }),
      from: fc.nat(29),
      count: fc.nat(30),
      each: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(cases, ({ places, from, count, each }) => {
        const hidden = 2;
        const vectorsFrom = Math.min(from, places - 1);
        const vectors = Float32Array.from(
          { length: hidden * Math.min(count, places - vectorsFrom) },
          (_, at) => at + 1,
        );
        const tokens = Array.from({ length: places }, (_, place) => 100 + place);
        const whole = { tokens, vectors, vectorsFrom, budget: 1 };
        const [said, stood]: [number[], number[]] = [[], []];
        for (let start = 0; start < places; start += each) {
          const part = promptPart(whole, start, Math.min(places, start + each), hidden);
          expect(part.vectors.length === 0 || part.vectorsFrom * hidden + part.vectors.length <= each * hidden).toBe(
            true,
          );
          said.push(...part.tokens);
          for (let at = 0; at < part.vectors.length; at++)
            stood[(start + part.vectorsFrom) * hidden + at] = part.vectors[at] ?? 0;
        }
        expect(said).toEqual(tokens);
        const wanted: number[] = [];
        for (const [at, value] of vectors.entries()) wanted[vectorsFrom * hidden + at] = value;
        expect(stood).toEqual(wanted);
      }),
    );
  });

  it("have as many places as the time allows, within bounds", () => {
    expect(placesIn(150, 1)).toBe(128);
    expect(placesIn(150, 150 / 64)).toBe(64);
    expect(placesIn(150, 1_000)).toBe(32);
    expect(placesIn(150, 0)).toBe(512);
  });
});
