import * as fc from "fast-check";
import { expect, test } from "vitest";
import { marksOf } from "./marks.ts";

const widthOf = (text: string) => text.length * 6;
const words = (count: number, step: number) =>
  Array.from({ length: count }, (_, n) => ({ text: ` word${n}`, start: n * step, end: n * step + 0.2 }));

test("words stand where they are said", () => {
  expect(marksOf(words(3, 1), 4, 400, widthOf)).toEqual([
    { text: "word0", x: 0, word: 0 },
    { text: "word1", x: 100, word: 1 },
    { text: "word2", x: 200, word: 2 },
  ]);
});

test("where most do not fit, the time stands there", () => {
  const marks = marksOf(words(10_000, 0.4), 4_000, 1_000, widthOf);
  expect(marks.map(({ text }) => text)).toEqual(["0:00.0", "16:40.0", "33:20.0", "50:00.0"]);
  expect(marksOf([], 0, 1_000, widthOf)).toEqual([]);
});

test("none is over another, or over the edge", () => {
  const word = fc.record({ start: fc.double({ min: 0, max: 10, noNaN: true }), text: fc.string({ maxLength: 12 }) });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), fc.integer({ min: 100, max: 2_000 }), (said, width) => {
      const inOrder = said.sort((a, b) => a.start - b.start).map((each) => ({ ...each, end: each.start }));
      const marks = marksOf(inOrder, 10, width, widthOf).filter((mark) => mark.word !== undefined);
      let free = 0;
      for (const { x, text, word: index } of marks) {
        expect(x).toBeGreaterThanOrEqual(free);
        free = x + widthOf(text);
        expect(free).toBeLessThanOrEqual(width);
        expect(inOrder[index ?? -1]?.text.trim()).toBe(text);
      }
    }),
  );
});
