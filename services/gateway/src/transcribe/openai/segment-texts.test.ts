import type { TranscriptSegment } from "@parlance/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { segmentTexts } from "./segment-texts.ts";

const segment = (text: string): TranscriptSegment => ({
  ...{ id: 0, seek: 0, start: 0, end: 1, text, tokens: [], temperature: 0 },
  ...{ avg_logprob: 0, compression_ratio: 1, no_speech_prob: 0 },
});
const textsOf = (text: string, language: string, segments: string[]) =>
  segmentTexts({ text, language, segments: segments.map(segment) });

test.each([
  [
    "English",
    "It rains. It pours. Go in.",
    ["It rains.", " It pours.", "Go in."],
    [" It rains.", " It pours.", " Go in."],
  ],
  ["Chinese", "今天天气很好。我们走。", ["今天天气很好。", "我们走。"], ["今天天气很好。", "我们走。"]],
  ["English,Chinese", "Hello. 你好。再见。", ["Hello.", "你好。", "再见。"], [" Hello.", " 你好。", "再见。"]],
  ["English", "a word cut", ["a wo", "rd cut"], [" a wo", "rd cut"]],
  ["English", "one three", ["one", "two", "three"], [" one", "two", " three"]],
  ["English", "", [], []],
])("%s: %s", (language, text, segments, expected) => expect(textsOf(text, language, segments)).toEqual(expected));

test("one behind the other they are the text, whatever spaces the models wrote around them", () => {
  const said = fc.stringMatching(/^[a-z]{1,4}( [a-z]{1,4}){0,3}[.,]?$/);
  const space = fc.constantFrom("", " ");
  fc.assert(
    fc.property(fc.array(fc.tuple(said, space, space), { minLength: 1 }), (pieces) => {
      const text = pieces.map(([own]) => own).join(" ");
      const given = pieces.map(([own, before, behind]) => before + own + behind);
      expect(textsOf(text, "English", given).join("")).toBe(` ${text}`);
      expect(textsOf(text, "Chinese", given).join("")).toBe(text);
    }),
  );
});
