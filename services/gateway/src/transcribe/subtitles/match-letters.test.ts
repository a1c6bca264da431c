import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lettersOf, matchLetters } from "./match-letters.ts";

const match = (text: string, said: string) => [...matchLetters(lettersOf(text), lettersOf(said))];

describe("matchLetters", () => {
  it("matches a text with its own words", () => {
    expect(match("Don’t panic!", "dont panic")).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("goes on behind letters that only one side has", () => {
    expect(match("abc XYZ defgh", "abc defgh")).toEqual([0, 1, 2, -1, -1, -1, 3, 4, 5, 6, 7]);
    expect(match("abc defgh", "abc xyz defgh")).toEqual([0, 1, 2, 6, 7, 8, 9, 10]);
    expect(match("abc 3 defgh", "abc three defgh")).toEqual([0, 1, 2, -1, 8, 9, 10, 11, 12]);
  });

  it("knows the end of both", () => {
    expect(match("one 2 yes", "one two yes")).toEqual([0, 1, 2, -1, 6, 7, 8]);
  });

  it("does not follow a phrase that comes again much later", () => {
    const later = `${"quite some more talk ".repeat(20)} hello there`;
    expect(match("hello there", later).every((place) => place === -1)).toBe(true);
  });

  it("of any two texts ascends, and says of equal ones that they are", () => {
    const texts = fc.stringMatching(/^[ab c]{0,200}$/);
    fc.assert(
      fc.property(texts, texts, (text, said) => {
        const [letters, others] = [lettersOf(text), lettersOf(said)];
        const found = [...matchLetters(letters, others).entries()].filter(([, place]) => place >= 0);
        for (const [index, [letter, place]] of found.entries()) {
          expect(letters[letter]).toBe(others[place]);
          expect(place).toBeGreaterThan(found[index - 1]?.[1] ?? -1);
        }
        expect(match(text, text)).toEqual([...letters.keys()]);
      }),
    );
  });
});
