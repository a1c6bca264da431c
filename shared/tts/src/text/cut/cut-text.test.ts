import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutText } from "./cut-text.ts";

const texts = (text: string, maxCharacters?: number) => cutText(text, { maxCharacters }).map((piece) => piece.text);
const solid = (text: string) => text.replace(/\s+/g, "");

describe("sentences", () => {
  it.each([
    ["two sentences are two pieces", "It rained all day. We stayed at home."],
    ["a question and an answer", "Where have you been? I was at the market!"],
    ["a title does not end a sentence", "Dr. Smith met Mrs. Jones at the gate. | They talked for an hour."],
    ["nor does e.g. or i.e.", "Bring fruit, e.g. Apples from the garden. | The rest, i.e. The bread, is here."],
    ["nor does U.S. before a name", "The U.S. Senate voted on Monday. | It passed."],
    ["U.S. ends one when a new one starts", "He moved back to the U.S. | He never left again."],
    ["initials belong to the name", "The book by J. R. R. Tolkien was read by C. S. Lewis. | He liked it."],
    ["the word I can end a sentence", "Nobody was as tired as I. | Then we slept."],
    ["decimals and versions stay whole", "It costs 3.50 today. | Version 2.3.1 is out."],
    ["no. and fig. before a number", "See Fig. 3 and No. 5 for that. | No. 7 is missing here."],
    ["no. as a word ends one", "I said no. | Nobody had asked me."],
    ["etc. may end one", "We sell nails, screws, etc. | Come and see us."],
    ["a.m. before a number goes on", "The train at 6 a.m. 12 minutes late again. | Nobody cares."],
    ["a quoted question inside a sentence", '"Really?" she asked him. | He nodded at her.'],
    ["a closing quote stays with its sentence", 'He said, "Come home." | Then he left the room.'],
    ["a bracketed sentence", "We went home. | (It was late.) | Nobody spoke a word."],
    ["a numbered entry keeps its number", "1. Open the box. | 2. Take out the lamp."],
    ["an ellipsis ends one before a capital", "He waited for it... | Nothing happened at all."],
    ["St. belongs to the name", "We met at St. Mary Church. | It was cold."],
  ])("%s", (_, marked) => {
    const expected = marked.includes("|") ? marked.split(" | ") : (marked.match(/[^.?!]+[.?!]+/g) ?? []);
    expect(texts(marked.replaceAll(" | ", " "))).toEqual(expected.map((sentence) => sentence.trim()));
  });

  it("emoji and rows of stars go with a neighbour", () => {
    expect(texts("What a party it was! 🎉🎉 The end of it came late.\n\n***\n\nThe next day.")).toEqual([
      "What a party it was!",
      "🎉🎉 The end of it came late. ***",
      "The next day.",
    ]);
  });

  it("very short sentences go with the next one", () => {
    expect(texts("No. Yes! I said that I would come.")).toEqual(["No. Yes!", "I said that I would come."]);
  });

  it("lines that were wrapped are one sentence; headings and entries of lists are not", () => {
    expect(texts("This line is as long as lines are in a letter\nand goes on here. The end is near.")).toEqual([
      "This line is as long as lines are in a letter and goes on here.",
      "The end is near.",
    ]);
    expect(texts("A short heading\nThe text under it.\n- the first entry\n- the second entry")).toEqual([
      "A short heading",
      "The text under it.",
      "- the first entry",
      "- the second entry",
    ]);
  });
});

describe("pauses", () => {
  it("a sentence has 350 ms after it, a paragraph 700, the last piece none", () => {
    expect(cutText("One fine morning. Two long evenings.\n\nThe next paragraph. It ends here.")).toEqual([
      { text: "One fine morning.", pauseMs: 350 },
      { text: "Two long evenings.", pauseMs: 700 },
      { text: "The next paragraph.", pauseMs: 350 },
      { text: "It ends here.", pauseMs: 0 },
    ]);
  });

  it("a clause has 120 ms after it", () => {
    expect(cutText("When the rain had stopped at last, we walked down to the river.", { maxCharacters: 40 })).toEqual([
      { text: "When the rain had stopped at last,", pauseMs: 120 },
      { text: "we walked down to the river.", pauseMs: 0 },
    ]);
  });
});

describe("long sentences", () => {
  it("are cut at a clause before a word", () => {
    expect(texts("We took the early train to the coast; the others came by car and were there first.", 60)).toEqual([
      "We took the early train to the coast;",
      "the others came by car and were there first.",
    ]);
  });

  it("are cut before a conjunction when there is no comma", () => {
    expect(texts("the old house had stood empty for a year and the garden had gone wild", 60)).toEqual([
      "the old house had stood empty for a year",
      "and the garden had gone wild",
    ]);
  });

  it("are cut between words when there is nothing else", () => {
    for (const piece of texts("word ".repeat(200), 300)) expect(piece).toMatch(/^word( word)*$/);
  });

  it("4,096 characters without a blank are cut all the same", () => {
    const pieces = texts("x".repeat(4096));
    expect(pieces.length).toBe(16);
    expect(pieces.join("")).toBe("x".repeat(4096));
  });

  it("4,096 full stops, brackets or emoji take no longer than text does", () => {
    for (const unit of [".", ". ", "(", "a.", "🎈", "👩‍👩‍👧 ", "A. "]) {
      const text = unit.repeat(4096 / unit.length);
      expect(solid(texts(text).join(""))).toBe(solid(text));
    }
  });

  it("an emoji or an accented letter is never cut in two", () => {
    for (const piece of texts("👩‍👩‍👧".repeat(100), 100)) expect(piece).toMatch(/^(👩‍👩‍👧)+$/u);
    for (const piece of texts("e\u0301".repeat(500), 99)) expect(piece).toMatch(/^(e\u0301)+$/);
  });
});

describe("whatever the text", () => {
  const bits = fc.oneof(
    fc.constantFrom(
      "Dr.",
      "e.g.",
      "U.S.",
      "3.5",
      "J.",
      "end.",
      "What?",
      "\n",
      "\n\n",
      " ",
      "—",
      ";",
      ",",
      '"',
      "(",
      ")",
      "and",
    ),
    fc.string({ unit: "grapheme", maxLength: 12 }),
    fc.lorem({ maxCount: 20 }),
  );
  const text = fc.array(bits, { maxLength: 60 }).map((parts) => parts.join(" "));

  it("the pieces joined hold every character that is no blank, in order", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 400 }), (input, maxCharacters) => {
        expect(solid(texts(input, maxCharacters).join(""))).toBe(solid(input));
      }),
    );
  });

  it("no piece is empty or longer than asked, unless it is one character", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 400 }), (input, maxCharacters) => {
        for (const piece of texts(input, maxCharacters)) {
          expect(piece.trim()).toBe(piece);
          expect(piece).not.toBe("");
          const characters = Array.from(new Intl.Segmenter("en").segment(piece)).length;
          if (characters > 1) expect(piece.length).toBeLessThanOrEqual(maxCharacters);
        }
      }),
    );
  });

  it("nothing but blanks is no piece; a length below 1 is an error that names it", () => {
    expect(cutText(" \n\n\t ")).toEqual([]);
    expect(() => cutText("text", { maxCharacters: 0 })).toThrow(/maxCharacters .* not 0/);
  });
});
