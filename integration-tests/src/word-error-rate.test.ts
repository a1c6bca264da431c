import { describe, expect, it } from "vitest";
import { countErrors, wordErrorRate } from "./word-error-rate.ts";

describe("word error rate", () => {
  it("counts substitutions, insertions and deletions", () => {
    expect(countErrors("turn on the lights", "turn off lights please")).toEqual({ errors: 3, words: 4 });
    expect(countErrors("Hello, world!", "hello world")).toEqual({ errors: 0, words: 2 });
    expect(countErrors("two words", "")).toEqual({ errors: 2, words: 2 });
    expect(countErrors("", "ghost")).toEqual({ errors: 1, words: 0 });
  });

  it("weighs every word alike over all pairs", () => {
    expect(
      wordErrorRate([
        { errors: 1, words: 1 },
        { errors: 0, words: 9 },
      ]),
    ).toBe(10);
    expect(wordErrorRate([])).toBe(0);
  });
});
