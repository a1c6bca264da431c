import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { continuation } from "./continuation.ts";

describe("continuation", () => {
  test.each([
    ["", "the cat sat", "the cat sat"],
    ["the cat", "the cat sat", " sat"],
    ["the cat", " the cat sat", " sat"],
    [" the cat", "the cat sat", " sat"],
    ["the cat sat", "the cat sat", ""],
  ])("%j goes on to %j with %j", (sent, meant, rest) => expect(continuation(sent, meant)).toBe(rest));

  test.each([
    [
      "the word that was wrong stands, and the right one follows",
      "the cat sad on",
      "the cat sat on the mat",
      " sat on the mat",
    ],
    ["another text altogether follows after a space", "hello all", "the cat", " the cat"],
    ["what was sent and is not meant any more stands", "the cat sat on", "the cat", ""],
    ["nothing is meant any more", "the cat", "", ""],
    ["without spaces only a word is there twice", "今天天气很热", "今天天气很好", "很好"],
    ["another text without spaces follows at once", "你好", "再见", "再见"],
    ["a mark is corrected", "yes, sir", "yes. Sir", ". Sir"],
  ])("%s", (_name, sent, meant, rest) => expect(continuation(sent, meant)).toBe(rest));

  const word = fc.constantFrom("the", "cat", "cats", "sat", "on", "mat", "你好", "世界", "𝒜𝒷", "don't", "1.5");
  const text = fc.array(word, { maxLength: 8 }).map((words) => words.join(" "));

  test("loses nothing of what is meant, and says no more twice than the word where both part", () => {
    fc.assert(
      fc.property(text, text, (sent, meant) => {
        const rest = continuation(sent, meant).trimStart();
        if (sent.startsWith(meant)) {
          expect(rest).toBe("");
          return;
        }
        expect(meant.endsWith(rest)).toBe(true);
        const kept = meant.slice(0, meant.length - rest.length).trimEnd();
        expect(sent.startsWith(kept)).toBe(true);
        let common = 0;
        while (common < sent.length && sent[common] === meant[common]) common += 1;
        expect(meant.slice(kept.length, common).trim()).not.toMatch(/\s/);
      }),
    );
  });
});
