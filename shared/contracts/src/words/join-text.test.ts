import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTextJoin, joinTexts, mergeLanguages } from "./join-text.ts";

const said = (text: string, language: string) => ({ text, language });

describe("joinTexts", () => {
  test("puts a space between English segments", () => {
    expect(joinTexts([said("hello there", "English"), said("world", "English")])).toBe("hello there world");
  });

  test.each(["Chinese", "Cantonese", "Japanese", "Thai"])("puts nothing between %s segments", (language) => {
    expect(joinTexts([said("你好", language), said("世界", language)])).toBe("你好世界");
  });

  test("puts a space where a language with spaces meets one without", () => {
    expect(joinTexts([said("你好", "Chinese"), said("world", "English"), said("再见", "Chinese")])).toBe(
      "你好 world 再见",
    );
  });

  test("an empty segment leaves neither text nor a second space", () => {
    expect(joinTexts([said("one", "English"), said("  ", ""), said("two ", "English"), said("", "")])).toBe("one two");
  });

  test("a segment of unknown language is taken for that of the one before it, and is written with spaces before any", () => {
    expect(joinTexts([said("你好", "Chinese"), said("世界", ""), said("再见", "Chinese")])).toBe("你好世界再见");
    expect(joinTexts([said("你好", ""), said("世界", "Chinese"), said("再见", "")])).toBe("你好 世界再见");
    expect(joinTexts([said("a", ""), said("b", "")])).toBe("a b");
  });
});

const text = fc
  .array(fc.constantFrom("hello", "wor", "ld", "你好", "。", " ", "\n"), { maxLength: 6 })
  .map((some) => some.join(""));
const segment = fc.record({ text, language: fc.constantFrom("", "English", "Chinese", "Thai") });
const segments = fc.array(segment, { maxLength: 8 });

describe("createTextJoin", () => {
  test("its deltas are, one behind the other, what joinTexts makes of the segments", () => {
    fc.assert(
      fc.property(segments, (all) => {
        const join = createTextJoin();
        let told = "";
        for (const [index, one] of all.entries()) {
          told += join.add(one);
          expect(told).toBe(joinTexts(all.slice(0, index + 1)));
        }
      }),
    );
  });

  test("parts tell nothing that the whole does not say there, whether the language is known with them or not", () => {
    const withParts = fc.array(
      fc.record({ one: segment, cuts: fc.array(fc.nat(12), { maxLength: 4 }), known: fc.boolean() }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(withParts, (all) => {
        const join = createTextJoin();
        const whole = joinTexts(all.map(({ one }) => one));
        let told = "";
        for (const { one, cuts, known } of all) {
          for (const cut of cuts.toSorted((a, b) => a - b)) {
            told += join.part(one.text.slice(0, cut), known ? one.language : undefined);
            expect(whole.startsWith(told)).toBe(true);
          }
          told += join.add(one);
        }
        expect(told).toBe(whole);
      }),
    );
  });

  test("parts leave at once where the space before them is certain", () => {
    const join = createTextJoin();
    expect(join.part("hel")).toBe("hel");
    expect(join.part("hello the")).toBe("lo the");
    expect(join.add(said("hello there", "English"))).toBe("re");
    expect(join.part(" world ")).toBe(" world");
    expect(join.add(said(" world again", "English"))).toBe(" again");
  });

  test("behind Chinese a part waits for its language", () => {
    const join = createTextJoin();
    join.add(said("你好", "Chinese"));
    expect(join.part("世")).toBe("");
    expect(join.part("世", "Chinese")).toBe("世");
    expect(join.add(said("世界", "Chinese"))).toBe("界");
  });

  test("what was told of a segment that then says less stays, and the next one stands apart from it", () => {
    const join = createTextJoin();
    expect(join.part("hello")).toBe("hello");
    expect(join.add(said("", ""))).toBe("");
    expect(join.add(said("world", "English"))).toBe(" world");
  });
});

test("mergeLanguages keeps the order and drops empty ones and consecutive repeats", () => {
  expect(mergeLanguages(["English", "", "English", "French", "French", "English"])).toBe("English,French,English");
  expect(mergeLanguages(["", ""])).toBe("");
});
