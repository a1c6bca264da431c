import { expect, it } from "vitest";
import { loopBegin, tokensLoop } from "./loops.ts";

it("a run of equal stretches begins where the longest begins that ends the list", () => {
  expect(loopBegin(["a", "b", "c", "b", "c", "b", "c"], 3)).toBe(1);
  expect(loopBegin(["a", "b", "c", "b", "c"], 3)).toBeUndefined();
  expect(loopBegin(["b", "b", "b", "b"], 3)).toBe(0);
  // A stretch of which there is but the end is none of the run.
  expect(loopBegin(["c", "b", "c", "b", "c", "b", "c"], 3)).toBe(1);
  expect(loopBegin([], 3)).toBeUndefined();
});

it("tokens loop when they say so much so often that nothing else will come", () => {
  const again = (tokens: number[], times: number) => Array.from({ length: times }, () => tokens).flat();
  expect(tokensLoop([7, ...again([1, 2, 3], 4)])).toBe(true);
  expect(tokensLoop([7, ...again([1, 2, 3], 3)])).toBe(false);
  // Noughts of a number.
  expect(tokensLoop(again([1], 9))).toBe(false);
  expect(tokensLoop(again([1], 12))).toBe(true);
});
