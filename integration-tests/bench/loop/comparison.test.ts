import { describe, expect, it } from "vitest";
import { compareTokens } from "./comparison.ts";

describe("compareTokens", () => {
  it("counts tokens at their places, and a text that is longer or shorter as different", () => {
    const expected = { tokens: [[1, 2, 3], [4, 5], []] };
    expect(compareTokens(expected, expected)).toEqual({ share: 1, sameRows: 3, firstDifference: undefined });
    expect(compareTokens(expected, { tokens: [[1, 9, 3], [4, 5, 6], []] })).toEqual({
      share: 4 / 6,
      sameRows: 1,
      firstDifference: "row 0, token 1: 9 instead of 2",
    });
    expect(compareTokens(expected, { tokens: [[1, 2], [4, 5], []] }).firstDifference).toBe(
      "row 0, token 2: the end instead of 3",
    );
  });

  it("refuses answers of other rows", () => {
    expect(() => compareTokens({ tokens: [[1]] }, { tokens: [] })).toThrow("different numbers of rows");
  });
});
