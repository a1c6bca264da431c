import { expect, it } from "vitest";
import { frameCost, sizes } from "./model-size.ts";

it("counts every matrix of a small model by hand", () => {
  const layer = { layers: 2, hidden: 4, inner: 5, heads: 2, keyValueHeads: 1, headSize: 3 };
  const size = { talker: { ...layer, codes: 7 }, predictor: { ...layer, layers: 1, codes: 6, steps: 15 } };
  // Queries and their way back 4 x 6 each, keys and values 4 x 3 each, three of 4 x 5.
  const one = 24 + 24 + 12 + 12 + 60;
  expect(frameCost(size)).toEqual({
    weights: 2 * one + 28 + 15 * (one + 24),
    products: 2 * one + 28 + 15 * (one + 24) + one,
  });
});

it("a frame of the small true size reads some 1.65 billion weights, most of them in the predictor", () => {
  expect(frameCost(sizes["0.6b"]).weights / 1e9).toBeCloseTo(1.655, 2);
  expect(frameCost(sizes["1.7b"]).weights - frameCost(sizes["0.6b"]).weights).toBeGreaterThan(9e8);
});
