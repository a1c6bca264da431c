import { describe, expect, it } from "vitest";
import { spokenProblem } from "./spoken-problem.ts";

describe("a text that cannot be said", () => {
  it.each(["", "   ", "\n\t\r\n"])("is empty: %j", (text) => {
    expect(spokenProblem(text)).toBe("The text is empty.");
  });

  it.each(["🎉🎉", "... !!! ?", "— “” ()", "👨‍👩‍👧 🇩🇪", "1️⃣ 2️⃣", "* * *", "❤️"])("has no word in it: %s", (text) => {
    expect(spokenProblem(text)).toMatch(/nothing that can be said/);
  });

  it("has a control character, which is named with its place", () => {
    expect(spokenProblem("ring\u0007 the bell")).toBe("The text holds a control character (U+0007, character 5).");
    expect(spokenProblem("nul \u0000")).toMatch(/U\+0000, character 5/);
    expect(spokenProblem("escape \u001b[31m")).toMatch(/U\+001B/);
    expect(spokenProblem("next \u0090")).toMatch(/U\+0090/);
  });

  it("has half of a surrogate pair", () => {
    expect(spokenProblem("half \ud83d")).toBe("The text holds half of a surrogate pair (U+D83D, character 6).");
  });
});

describe("a text that can be said", () => {
  it.each([
    "Hello.",
    "42",
    "$",
    "100 %",
    "line one\nline two\ttab\r\n",
    "你好",
    "Grüße 🎉",
    "👩‍👩‍👧 a family",
    "naïve\u00a0café",
  ])("is no problem: %j", (text) => {
    expect(spokenProblem(text)).toBeUndefined();
  });
});
