import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutText, type TextPiece } from "./cut-text.ts";
import { createTextCutter } from "./text-cutter.ts";

const texts = (pieces: readonly TextPiece[]) => pieces.map(({ text }) => text);

/** What is given of a text that comes in these pieces, and at its end. */
function cutAll(parts: readonly string[], maxCharacters?: number): TextPiece[] {
  const cutter = createTextCutter({ maxCharacters });
  return [...parts.flatMap((part) => cutter.add(part)), ...cutter.flush()];
}

/** The last one's silence is not known while a text may go on. */
const butForTheEnd = (pieces: readonly TextPiece[]) =>
  pieces.map((piece, at) => (at === pieces.length - 1 ? { ...piece, pauseMs: 0 } : piece));

describe("a text that comes piece by piece", () => {
  test("gives a sentence as soon as the first word of the next one is whole", () => {
    const cutter = createTextCutter();
    const given = ["It rai", "ned all day", ".", " We", " ", "stayed."].map((part) => texts(cutter.add(part)));
    expect(given).toEqual([[], [], [], [], ["It rained all day."], []]);
    expect(cutter.open).toBe("We stayed.".length);
    expect(cutter.flush()).toEqual([{ text: "We stayed.", pauseMs: 350 }]);
    expect(cutter.open).toBe(0);
  });

  test("waits where the next word decides", () => {
    const cutter = createTextCutter();
    expect(texts(cutter.add("He moved to the U.S. "))).toEqual([]);
    expect(texts(cutter.add("Sen"))).toEqual([]);
    expect(texts(cutter.add("ate. Then he "))).toEqual(["He moved to the U.S. Senate."]);
  });

  test("knows the silence of a paragraph", () => {
    const cutter = createTextCutter();
    expect(cutter.add("One fine morning.\n\nTwo long evenings. The")).toEqual([
      { text: "One fine morning.", pauseMs: 700 },
    ]);
    expect(cutter.add(" ")).toEqual([{ text: "Two long evenings.", pauseMs: 350 }]);
  });

  test("forgets what is not given yet when it is told to", () => {
    const cutter = createTextCutter();
    cutter.add("Never mi");
    cutter.clear();
    expect(cutter.add("Hello there. And ")).toEqual([{ text: "Hello there.", pauseMs: 350 }]);
  });

  test("a sentence without an end is given from its beginning, so that what waits is bounded", () => {
    const cutter = createTextCutter();
    const word = "going on and on, ";
    let given = "";
    for (let n = 0; n < 1_000; n += 1) {
      for (const { text } of cutter.add(word)) {
        expect(text.length).toBeLessThanOrEqual(300);
        given += text;
      }
      expect(cutter.open).toBeLessThan(1_000);
    }
    given += texts(cutter.flush()).join("");
    expect(given.replaceAll(" ", "")).toBe(word.repeat(1_000).replaceAll(" ", ""));
  });

  test("blanks before a line do not make it one that goes on in the next", () => {
    const whole = "  What is it? A dozen will not do for it\u2028Then";
    expect(butForTheEnd(cutAll(whole.split("")))).toEqual(cutText(whole));
  });

  test("an emoji that comes in halves is whole", () => {
    const parts = ["What a party! \ud83c", "\udf89 The end ca", "me late. \ud835", "\udc00 was", " there."];
    expect(texts(cutAll(parts))).toEqual(["What a party!", "🎉 The end came late.", "𝐀 was there."]);
  });
});

const bits = fc.oneof(
  fc.constantFrom(
    ...["Dr.", "e.g.", "U.S.", "3.5", "J.", "end.", "What?", "No.", "12", "2024.", "I.", "a.m.", "St."],
    ...["\n", "\r\n", "\n\n", "\r", " ", "—", ";", ",", '"', "(", ")", "and", "***", "🎉", "…", "-", "1)", "a)", "$5"],
    ...["a line that is as long as lines are in a letter\n", "𝐀", "e\u0301", "\u2029", "\u0085", "Then", "the"],
  ),
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.lorem({ maxCount: 12 }),
);
const text = (most: number) =>
  fc.array(fc.tuple(bits, fc.constantFrom("", " ", " ")), { maxLength: most }).map((parts) => parts.flat().join(""));
/** Where a text is broken, as shares of it. */
const breaks = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });

function broken(whole: string, at: readonly number[]): string[] {
  const places = [0, ...at.map((share) => Math.round(share * whole.length)).sort((a, b) => a - b), whole.length];
  return places.slice(1).map((to, index) => whole.slice(places[index], to));
}

describe("however a text is broken", () => {
  test("its pieces are those of the whole text, and so are their silences", () => {
    fc.assert(
      fc.property(text(40), breaks, (whole, at) => {
        fc.pre(whole.length < 900);
        expect(butForTheEnd(cutAll(broken(whole, at)))).toEqual(cutText(whole));
        expect(butForTheEnd(cutAll([...whole].flatMap((character) => character.split(""))))).toEqual(cutText(whole));
      }),
      { numRuns: 400 },
    );
  });

  test("short pieces too", () => {
    fc.assert(
      fc.property(text(30), breaks, fc.integer({ min: 1, max: 60 }), (whole, at, most) => {
        fc.pre(whole.length < 900);
        expect(butForTheEnd(cutAll(broken(whole, at), most))).toEqual(cutText(whole, { maxCharacters: most }));
      }),
      { numRuns: 400 },
    );
  });

  test("a text of any length gives the same pieces as in one piece, and none of it is lost", () => {
    fc.assert(
      fc.property(text(400), breaks, (whole, at) => {
        const pieces = cutAll([whole]);
        expect(cutAll(broken(whole, at))).toEqual(pieces);
        const solid = (some: string) => some.replaceAll(/[\s\u0085]/g, "");
        expect(solid(texts(pieces).join(""))).toBe(solid(whole));
      }),
      { numRuns: 40 },
    );
  });
});
