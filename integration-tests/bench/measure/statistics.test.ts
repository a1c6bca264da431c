import { expect, it } from "vitest";
import { quantile, spread } from "./statistics.ts";

it("quantiles interpolate between neighbours", () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([1, 2, 3, 4, 5], 0.95)).toBeCloseTo(4.8);
  expect(spread([3, 1, 2])).toEqual({ median: 2, minimum: 1, maximum: 3 });
  expect(() => quantile([], 0.5)).toThrow();
});
