import { describe, expect, test } from "vitest";
import { joinTexts, mergeLanguages } from "./join-text.ts";

const said = (text: string, language: string) => ({ text, language });

describe("joinTexts", () => {
  test("puts a space between English segments", () => {
    expect(joinTexts([said("hello there", "English"), said("world", "English")])).toBe("hello there world");
  });

  test.each(["Chinese", "Cantonese", "Japanese", "Thai"])("puts nothing between %s segments", (language) => {
    expect(joinTexts([said("你好", language), said("世界", language)])).toBe("你好世界");
  });

  test("puts a space where a language with spaces meets one without", () => {
    expect(joinTexts([said("你好", "Chinese"), said("world", "English"), said("再见", "Chinese")])).toBe(
      "你好 world 再见",
    );
  });

  test("an empty segment leaves neither text nor a second space", () => {
    expect(joinTexts([said("one", "English"), said("  ", ""), said("two ", "English"), said("", "")])).toBe("one two");
  });

  test("a segment of unknown language is taken for that of its neighbours", () => {
    expect(joinTexts([said("你好", ""), said("世界", "Chinese"), said("再见", "")])).toBe("你好世界再见");
    expect(joinTexts([said("a", ""), said("b", "")])).toBe("a b");
  });
});

test("mergeLanguages keeps the order and drops empty ones and consecutive repeats", () => {
  expect(mergeLanguages(["English", "", "English", "French", "French", "English"])).toBe("English,French,English");
  expect(mergeLanguages(["", ""])).toBe("");
});
