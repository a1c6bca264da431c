import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FrameAllowance, frameBudget, repeatedFrames } from "./frame-budget.ts";
import { repeatedStretch } from "./repeated-stretch.ts";

const allowance: FrameAllowance = {
  framesPerLetter: 2.5,
  framesPerSyllable: 7,
  framesPerFigure: 9,
  spareFrames: 50,
};
const most = 1_500;
const seconds = (text: string) => frameBudget(text, allowance, most) / 12.5;

describe("the frames of a text", () => {
  test.each([
    ["Hi.", 4, 6],
    ["Good morning, everybody.", 6, 12],
    ["The quick brown fox jumps over the lazy dog.", 10, 16],
    ["早上好，今天天气很好。", 8, 12],
    ["0170 1234567", 10, 14],
    ["おはようございます", 7, 12],
    ["안녕하세요", 6, 9],
    ["Größenwahn", 5, 8],
  ])("%s may take some seconds, not minutes", (text, least, longest) => {
    expect(seconds(text)).toBeGreaterThan(least);
    expect(seconds(text)).toBeLessThan(longest);
  });

  test("never fewer for more text, never more than the model speaks, never none", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (text, more) => {
        const budget = frameBudget(text, allowance, most);
        // NFKC may join what stands at the seam.
        expect(frameBudget(`${text} ${more}`, allowance, most)).toBeGreaterThanOrEqual(budget);
        expect(budget).toBeGreaterThanOrEqual(1);
        expect(budget).toBeLessThanOrEqual(most);
      }),
    );
    expect(frameBudget("word ".repeat(1_000), allowance, most)).toBe(most);
  });
});

describe("what a text itself repeats", () => {
  test.each([
    ["Ha, ha, ha!", "hahaha"],
    ["He said: no no no no. And left.", "nononono"],
    ["Aaaaaah", "aaaaaa"],
    ["row, row, row your boat", "rowrowrow"],
    ["Nothing is said three times here.", ""],
    ["😂😂😂😂", ""],
    ["", ""],
  ])("%s: %s", (text, stretch) => {
    expect(repeatedStretch(text)).toContain(stretch);
    if (stretch === "") expect(repeatedStretch(text)).toBe("");
  });

  test("a unit that stands three times is found, whatever stands around it", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-e]{1,8}$/),
        fc.integer({ min: 3, max: 9 }),
        fc.stringMatching(/^[v-z]{0,5}$/),
        fc.stringMatching(/^[v-z]{0,5}$/),
        (unit, times, before, behind) => {
          const stretch = repeatedStretch(`${before} ${Array(times).fill(unit).join(", ")}! ${behind}`);
          expect(stretch.length).toBeGreaterThanOrEqual(times * unit.length);
          expect(repeatedFrames(`${unit} `.repeat(times), allowance)).toBeGreaterThanOrEqual(times * 2.5);
        },
      ),
    );
  });
});
