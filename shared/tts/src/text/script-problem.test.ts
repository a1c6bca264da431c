import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWrittenIn, scriptProblem } from "./script-problem.ts";

const english = { model: "parlance-voice", languages: ["English"] };

describe("a text for a model that speaks English", () => {
  it.each([
    "Say Москва please.",
    "你好 means hello",
    "Grüße, François!",
    "α + β = γ",
    "𝐇𝐞𝐥𝐥𝐨",
    "Ｈｅｌｌｏ",
    "٣٤",
    "42",
    "?!",
  ])("can be read: %s", (text) => {
    expect(scriptProblem(text, [english])).toBeUndefined();
  });

  it.each(["Привет, как дела?", "你好世界", "Γειά σου Κόσμε", "مرحبا", "ok, это по-русски"])(
    "is foreign for the most part: %s",
    (text) => {
      expect(scriptProblem(text, [english])).toBe(
        "The text is for the most part not in letters that parlance-voice reads (English).",
      );
    },
  );

  it("is never refused where most of its letters are Latin", () => {
    const latin = fc.string({
      unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzäöüéèñçßøł"),
      minLength: 20,
      maxLength: 40,
    });
    const foreign = fc.string({ unit: fc.constantFrom(..."привет你好こんにちはمرحبا안녕"), maxLength: 20 });
    fc.assert(fc.property(latin, foreign, (one, other) => scriptProblem(`${other} ${one}`, [english]) === undefined));
  });
});

describe("a text for models of other languages", () => {
  const many = { model: "qwen3-tts", languages: ["Chinese", "English", "Japanese", "Korean", "Russian"] };

  it.each(["Привет, как дела?", "你好世界", "東京タワーへようこそ", "안녕하세요", "Hello"])(
    "can be read: %s",
    (text) => {
      expect(scriptProblem(text, [many])).toBeUndefined();
      expect(scriptProblem(text, [english, many])).toBeUndefined();
    },
  );

  it("is not refused by what is not known", () => {
    expect(scriptProblem("Привет", [])).toBeUndefined();
    expect(scriptProblem("Привет", [{ model: "unknown" }])).toBeUndefined();
    expect(scriptProblem("Привет", [{ model: "unknown", languages: ["Klingon"] }])).toMatch(
      /unknown reads \(Klingon\)/,
    );
  });
});

it.each([
  ["Guten Morgen, 早上好", "German", true],
  ["早上好，你好吗, Anna", "Chinese", true],
  ["早上好", "Japanese", true],
  ["Good morning.", "Chinese", false],
  ["早上好", "English", false],
  ["Привет", "English", false],
  ["Hello.", "Klingon", false],
])("%s is in letters of %s: %s", (text, language, expected) => {
  expect(isWrittenIn(text, language)).toBe(expected);
});
