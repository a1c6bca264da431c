import { cutText } from "@parlance/tts/text";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundariesOf, piecesAfter } from "./begun-item.ts";

describe("the boundaries of what is published", () => {
  test("are where its segments begin, and the end", () => {
    const starts = new Map([
      [0, 0],
      [1, 100],
      [2, 250],
    ]);
    expect(boundariesOf(starts, 3, 400)).toEqual([100, 250, 400]);
    expect(boundariesOf(new Map([[0, 0]]), 1, 100)).toEqual([100]);
  });

  test("share the audio out between segments that nobody knows any more", () => {
    expect(boundariesOf(new Map([[3, 300]]), 5, 500)).toEqual([100, 200, 300, 400, 500]);
  });

  test("are one for each segment, never fall, and hold every start that is known", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ length: fc.integer({ min: 1, max: 1_000 }), known: fc.boolean() }), { minLength: 1 }),
        (segments) => {
          const starts = new Map<number, number>();
          let end = 0;
          for (const [n, { length, known }] of segments.entries()) {
            if (known) starts.set(n, end);
            end += length;
          }
          const boundaries = boundariesOf(starts, segments.length, end);
          expect(boundaries).toHaveLength(segments.length);
          expect(boundaries.at(-1)).toBe(end);
          for (const [n, start] of starts) if (n > 0) expect(boundaries[n - 1]).toBe(start);
          expect(boundaries).toEqual([...boundaries].sort((a, b) => a - b));
        },
      ),
    );
  });
});

describe("a text that somebody else began to cut", () => {
  const text = "One sentence, and a longer one.\n\nA second paragraph! With three… sentences. (The end.)";

  test("is cut as ever where nothing, or a part of our own cut, is published", () => {
    for (let count = 0; count <= cutText(text).length; count += 1)
      expect(piecesAfter(cutText(text).slice(0, count), text)).toEqual(cutText(text));
  });

  test("is said to its end, nothing twice, behind pieces of any other cut", () => {
    const said = (pieces: readonly { text: string }[]) =>
      pieces.map((piece) => piece.text.replaceAll(/\s/g, "")).join("");
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 60 }), fc.nat(6), (maxCharacters, count) => {
        const before = cutText(text, { maxCharacters }).slice(0, count);
        const pieces = piecesAfter(before, text);
        expect(pieces.slice(0, before.length)).toEqual(before);
        expect(said(pieces)).toBe(said([{ text }]));
      }),
    );
  });
});
