import * as fc from "fast-check";
import { expect, test } from "vitest";
import { alignWords } from "./words.ts";

const at = (text: string) => ({ text, start: 0, end: 1 });
const said = (parts: readonly { text: string }[]) => parts.map(({ text }) => text).join("");

test("words are found in their text, which keeps its own spelling between them", () => {
  const parts = alignWords("“Turn on, please!”", [at("Turn"), at(" on,"), at("please!”")]);
  expect(parts.map(({ text, word }) => [text, word !== undefined])).toEqual([
    ["“", false],
    ["Turn", true],
    [" ", false],
    ["on,", true],
    [" ", false],
    ["please!”", true],
  ]);
});

test("words that are not in the text make up the text themselves", () => {
  expect(said(alignWords("twenty one", [at("20"), at("1")]))).toBe("20 1");
});

test("no letter of a text is lost, and each word is there once", () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), fc.constantFrom(" ", "  ", "\n"), (words, between) => {
      const text = words.join(between);
      const parts = alignWords(text, words.map(at));
      expect(said(parts)).toBe(text);
      expect(parts.filter((part) => part.word !== undefined).map((part) => part.text)).toEqual(words);
    }),
  );
});
