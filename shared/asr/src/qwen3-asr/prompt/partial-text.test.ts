import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { certainText } from "../../certain-text.ts";
import { repairTranscript } from "../../repetition.ts";
import { partialText } from "./partial-text.ts";
import { parseOutput } from "./spoken-output.ts";

const textOf = (raw: string, forced?: string) => partialText(raw, forced)?.text;

describe("the text of an answer that is being written", () => {
  it("begins behind the tag, or at once when the language was said before", () => {
    expect(textOf("language Eng")).toBeUndefined();
    expect(textOf("language English<asr_text>")).toBe("");
    expect(partialText("language English<asr_text> Hello, wor", undefined)).toEqual({
      text: "Hello, wor",
      language: "English",
      before: "language English<asr_text> ",
    });
    expect(partialText(" Hello, wor", "English")).toEqual({ text: "Hello, wor", language: "English", before: "" });
    expect(partialText("language None<asr_text>", undefined)?.language).toBe("");
  });

  it("has no character whose bytes are not all there yet, and keeps what the model wrote so", () => {
    expect(textOf("language Chinese<asr_text>你好\ufffd\ufffd")).toBe("你好");
    expect(textOf("a\ufffdb\ufffd", "English")).toBe("a\ufffdb");
  });

  it("as far as it is certain, stands at the beginning of the text that leaves, also of loops that repeat the tag", () => {
    const loop = fc
      .array(
        fc.tuple(
          fc.constantFrom("t>", "<asr_text>", "xt> ", " no", "a ", "> ", "好", "so it was "),
          fc.integer({ min: 1, max: 24 }),
        ),
        { minLength: 1, maxLength: 4 },
      )
      .map((parts) => parts.map(([unit, times]) => unit.repeat(times)).join(""));
    fc.assert(
      fc.property(fc.constantFrom("English", undefined), fc.constantFrom("", " "), loop, (forced, space, said) => {
        const raw = `${forced === undefined ? "language English<asr_text>" : ""}${space}${said}`;
        const left = repairTranscript(parseOutput(raw, forced).text, []).text;
        for (let length = 0; length <= raw.length; length++) {
          const part = partialText(raw.slice(0, length), forced);
          const certain = part === undefined ? "" : certainText(part.text, part.before);
          if (!left.startsWith(certain)) expect.fail(JSON.stringify([certain, left]));
        }
      }),
      { numRuns: 100 },
    );
  });
});
