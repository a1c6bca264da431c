import { expect, test } from "vitest";
import { wordPlaces } from "./word-places.ts";

test("words are found in order, past what stands between and inside them", () => {
  const text = "The don-t, the 𠀀好。";
  expect(wordPlaces(text, ["The", "dont", "the", "𠀀", "好"])?.map(({ from, to }) => text.slice(from, to))).toEqual([
    "The",
    "don-t",
    "the",
    "𠀀",
    "好",
  ]);
  expect(wordPlaces(text, [])).toEqual([]);
  expect(wordPlaces(text, ["the", "The"])).toBeUndefined();
});
