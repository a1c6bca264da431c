import { expect, test } from "vitest";
import { createTokeniser } from "./tokens.ts";

const symbols = ["", "^", "$", ",", ".", "?", "!", "dh", "k", "t", "ae1", "ah0", "ay1"];
const tokenise = createTokeniser(symbols);
const word = (token: string, phones: string[]) => ({ token, phones, origin: "lexicon" as const });
const pause = (token: string) => ({ token, phones: [], origin: "pause" as const });
const said = (...words: Parameters<typeof tokenise>[0]) => {
  const tokens = tokenise(words);
  return { symbols: tokens.symbols.map((id) => symbols[id]).join(" "), places: tokens.places };
};

test("phones know where in their word they stand; a text has both its ends", () => {
  expect(said(word("cat", ["k", "ae1", "t"]), pause("?"))).toEqual({
    symbols: "^ k ae1 t ? $",
    places: [0, 1, 0, 2, 0, 0],
  });
});

test("a word of one phone begins and ends with it", () => {
  expect(said(word("I", ["ay1"]), pause(".")).places).toEqual([0, 3, 0, 0]);
});

test("a text without a mark at its end gets one", () => {
  expect(said(word("I", ["ay1"])).symbols).toBe("^ ay1 . $");
});

test("secondary stress is primary to a model without it", () => {
  expect(said(word("I", ["ay2"])).symbols).toBe("^ ay1 . $");
});

test("a phone that the model does not know is an error that names it", () => {
  expect(() => said(word("x", ["zh"]))).toThrow("no symbol zh");
});
