import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { certainLength, certainText } from "./certain-text.ts";
import { repairRepetitions, repairTranscript } from "./repetition.ts";

/** Texts that loop, of few different characters, with units that begin like one another. */
const looping = fc
  .array(
    fc.tuple(
      fc.string({ unit: fc.constantFrom("a", "b", " ", "é", "好", "."), maxLength: 21 }),
      fc.constantFrom(1, 1, 1, 2, 3, 7, 18, 19, 20, 21, 24),
      fc.string({ unit: fc.constantFrom("a", "b", " "), maxLength: 2 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.map(([unit, times, behind]) => unit.repeat(times) + behind).join(""));

/** Loops inside loops: a repair makes a repetition that the next one repairs. */
const nested = fc
  .tuple(looping, fc.integer({ min: 1, max: 21 }), fc.constantFrom("", "a", " b"))
  .map(([text, times, behind]) => (text.length * times < 1_500 ? text.repeat(times) : text) + behind);

function repaired(text: string): string[] {
  const once = repairRepetitions(text);
  return [once, repairTranscript(text, []).text, repairTranscript(once, []).text];
}

describe("what is certain of a text that grows", () => {
  it("stands at the beginning of every repair of every text that goes on from it, and only grows", () => {
    fc.assert(
      fc.property(fc.oneof(looping, nested), fc.integer({ min: 1, max: 30 }), (text, step) => {
        const points = Array.from(text);
        const ends = repaired(text);
        let before = 0;
        for (let length = 0; length <= points.length; length += step) {
          const certain = certainLength(points.slice(0, length));
          expect(certain).toBeGreaterThanOrEqual(before);
          before = certain;
          const told = points.slice(0, certain).join("");
          for (const end of ends) if (!end.startsWith(told)) expect.fail(JSON.stringify([told, end]));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("is all but a word or two of an ordinary text", () => {
    const text =
      "We met at the old harbour, and the ferry left twenty minutes later than it should have, though nobody on board complained.";
    const words = text.split(" ");
    let behind = 0;
    for (const count of words.keys()) {
      const told = certainText(words.slice(0, count + 1).join(" "));
      expect(text.startsWith(told)).toBe(true);
      expect(/\s$/.test(told)).toBe(false);
      behind += count + 1 - told.split(" ").filter((word) => word !== "").length;
    }
    expect(behind / words.length).toBeLessThan(2.5);
    expect(certainText(text)).toBe(text);
  });

  it("is the first unit of a loop, until the loop is over", () => {
    const loop = "well ".concat("thank you. ".repeat(12));
    expect(certainText(loop)).toBe("well thank you.");
    expect(certainText(`${loop}Goodbye, my friend`)).toBe(`${loop}Goodbye, my`);
    expect(certainText("no ".repeat(40))).toBe("no");
  });

  it("ends with whole words, in scripts without spaces with whole characters", () => {
    expect(certainText("Hello, wor")).toBe("Hello,");
    expect(certainText("Hello, ")).toBe("Hello,");
    expect(certainText("今天天气很")).toBe("今天天气");
    expect(certainText("今日は。")).toBe("今日は。");
    // A vowel may still stand above the last consonant.
    expect(certainText("สวัส")).toBe("สวั");
    expect(certainText("It costs 3.")).toBe("It costs");
    expect(certainText("")).toBe("");
  });
});
