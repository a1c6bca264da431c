import { describe, expect, it } from "vitest";
import { partialText } from "./partial-text.ts";

describe("the text of an answer that is being written", () => {
  it("begins behind the tag, or at once when the language was said before", () => {
    expect(partialText("language Eng", undefined)).toBeUndefined();
    expect(partialText("language English<asr_text>", undefined)).toBe("");
    expect(partialText("language English<asr_text> Hello, wor", undefined)).toBe("Hello, wor");
    expect(partialText("Hello, wor", "English")).toBe("Hello, wor");
  });

  it("has no character whose bytes are not all there yet, and keeps what the model wrote so", () => {
    expect(partialText("language Chinese<asr_text>你好\ufffd\ufffd", undefined)).toBe("你好");
    expect(partialText("a\ufffdb\ufffd", "English")).toBe("a\ufffdb");
  });
});
