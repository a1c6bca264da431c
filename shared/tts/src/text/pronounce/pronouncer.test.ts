import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalise } from "../normalise/normalise.ts";
import { isHeldOut, readEntries } from "./learning/learn.ts";
import { score } from "./learning/score.ts";
import { parseLetterRules, soundOut, writeLetterRules } from "./letter-rules.ts";
import { letterRulesSource } from "./letter-rules-data.ts";
import { createPronouncer, phonesOf } from "./pronouncer.ts";
import { readPronunciations } from "./pronunciations.ts";

// The lexicon that ships with the voice: the one that the rules were learned from, but for the words held out.
const bytes = readFileSync(new URL("../../../../../models/parlance-voice/lexicon.txt.gz", import.meta.url));
const pronunciations = readPronunciations(bytes);
const { pronounce } = createPronouncer({ pronunciations });

const said = (text: string) => phonesOf(pronounce(normalise(text))).join(" ");
/** The phones of one word of a sentence. */
const saidOf = (word: string, text: string) =>
  pronounce(normalise(text))
    .find(({ token }) => token === word)
    ?.phones.join(" ");
const originOf = (word: string) => pronounce(word).map(({ origin }) => origin)[0];

describe("words of the lexicon", () => {
  it("are said as listed, with pauses where the marks are", () => {
    expect(said("Hello, world!")).toBe("hh ah0 l ow1 , w er1 l d !");
    expect(pronounce("hello , B")).toEqual([
      { token: "hello", phones: ["hh", "ah0", "l", "ow1"], origin: "lexicon" },
      { token: ",", phones: [], origin: "pause" },
      { token: "B", phones: ["b", "iy1"], origin: "letter" },
    ]);
  });

  it("letters are said by their names", () => {
    expect(said("HTML")).toBe("ey1 ch t iy1 eh1 m eh1 l");
    expect(said("CEOs")).toBe("s iy1 iy1 ow1 z");
    expect(said("Vitamin A")).toMatch(/ey1$/);
    expect(said("a cat")).toMatch(/^ah0 k/);
  });

  it("the and to change before a vowel", () => {
    expect(said("the end")).toMatch(/^dh iy0 eh1/);
    expect(said("the dog")).toMatch(/^dh ah0 d/);
    expect(said("the MP3")).toMatch(/^dh iy0 eh1 m/);
    expect(said("the one")).toMatch(/^dh ah0 w/);
    expect(said("to eat")).toMatch(/^t uw0 iy1/);
    expect(said("to go")).toMatch(/^t ah0 g/);
  });
});

describe("words with two pronunciations", () => {
  it.each([
    ["read", "I will read the book.", "r iy1 d"],
    ["read", "She has read the book.", "r eh1 d"],
    ["read", "I read it yesterday.", "r eh1 d"],
    ["lead", "They lead the way.", "l iy1 d"],
    ["lead", "a lead pipe", "l eh1 d"],
    ["live", "We live here.", "l ih1 v"],
    ["live", "a live show", "l ay1 v"],
    ["record", "to record a song", "r ih0 k ao1 r d"],
    ["record", "a new record", "r eh1 k er0 d"],
    ["use", "How do you use it?", "y uw1 z"],
    ["use", "the use of force", "y uw1 s"],
    ["close", "Please close the door.", "k l ow1 z"],
    ["close", "We are close to home.", "k l ow1 s"],
    ["present", "They will present the plan.", "p r ih0 z eh1 n t"],
    ["present", "a birthday present", "p r eh1 z ah0 n t"],
    ["wind", "The wind is cold.", "w ih1 n d"],
    ["wind", "Did you wind up the clock?", "w ay1 n d"],
    ["separate", "two separate rooms", "s eh1 p r ah0 t"],
    ["refuse", "I refuse to go.", "r ih0 f y uw1 z"],
    ["house", "the old house", "hh aw1 s"],
  ])("%s in %j", (word, text, phones) => {
    expect(saidOf(word, text)).toBe(phones);
  });
});

describe("words made of known words", () => {
  it.each([
    ["zebra's", "z iy1 b r ah0 z"],
    ["glitch's", "g l ih1 ch ih0 z"],
    ["podcasted", "p aa1 d k ae1 s t ih0 d"],
    ["hashtagged", "hh ae1 sh t ae1 g d"],
    ["doomscrolling", "d uw1 m s k r ow1 l ih0 ng"],
    ["unclickable", "ah0 n k l ih1 k ah0 b ah0 l"],
    ["recognised", "r eh1 k ah0 g n ay1 z d"],
    ["honourless", "aa1 n er0 l ah0 s"],
    ["timeouts", "t ay1 m aw1 t s"],
    ["codecs", "k ow1 d eh0 k s"],
    ["microservice", "m ay1 k r ow0 s er1 v ah0 s"],
    ["spreadsheetlike", "s p r eh1 d sh iy1 t l ay1 k"],
  ])("%s", (word, phones) => {
    expect(pronunciations.has(word)).toBe(false);
    expect(pronounce(word)[0]).toEqual({ token: word, phones: phones.split(" "), origin: "derived" });
  });
});

describe("unknown words", () => {
  it("are sounded out by rules", () => {
    expect(originOf("blorfing")).toBe("rules");
    expect(said("blick")).toBe("b l ih1 k");
    expect(said("thrane")).toBe("th r ey1 n");
    expect(said("phlimmish")).toBe("f l ih1 m ih0 sh");
    expect(originOf("zorblax's")).toBe("rules");
  });

  it("are spelled when they have no vowel", () => {
    expect(pronounce("xkcd")[0]).toEqual({
      token: "xkcd",
      phones: "eh1 k s k ey1 s iy1 d iy1".split(" "),
      origin: "letter",
    });
    expect(said("hmm")).toBe("hh ah1 m");
  });

  it("a token that is none is an error that names it", () => {
    expect(() => pronounce("Hello")).toThrow(/"Hello" is no word/);
    expect(() => pronounce("3")).toThrow(/"3" is no word/);
  });
});

describe("letter rules", () => {
  const rules = parseLetterRules(letterRulesSource);
  const heldOut = readEntries(gunzipSync(bytes).toString()).filter(({ word }) => isHeldOut(word));

  it("are written as they were read", () => {
    expect(writeLetterRules(rules)).toBe(letterRulesSource);
  });

  it("get less than 12 % of the phones wrong of words that they were not learned from, and the stress right in 85 % of the rest", () => {
    const result = score(heldOut.map(({ word, phones }) => ({ phones, said: soundOut(word, rules) })));
    expect(result.words).toBeGreaterThan(3000);
    expect(result.phoneErrorRate).toBeLessThan(0.12);
    expect(result.wordsRight).toBeGreaterThan(0.5);
    expect(result.stressRight).toBeGreaterThan(0.85);
  });

  it("with endings, beginnings and compounds of other words they get less wrong still", () => {
    const words = new Set(heldOut.map(({ word }) => word));
    const without = {
      find: (word: string) => (words.has(word) ? [] : pronunciations.find(word)),
      has: (word: string) => !words.has(word) && pronunciations.has(word),
    };
    const pronouncer = createPronouncer({ pronunciations: without });
    const all = heldOut.map(({ word, phones }) => ({ phones, said: pronouncer.pronounce(word)[0] }));
    const result = score(all.map(({ phones, said }) => ({ phones, said: said?.phones ?? [] })));
    const derived = score(
      all
        .filter(({ said }) => said?.origin === "derived")
        .map(({ phones, said }) => ({ phones, said: said?.phones ?? [] })),
    );
    expect(result.phoneErrorRate).toBeLessThan(0.1);
    expect(derived.phoneErrorRate).toBeLessThan(0.07);
  });
});

describe("whatever is said", () => {
  it("every phone of every reading is one of the voice's", () => {
    const known = new Set(
      gunzipSync(bytes)
        .toString()
        .match(/(?<= )\S+/g),
    );
    const words =
      "read lead live lives use uses used close wind tear tears wound bow bass dove minute sow record present object produce content export separate moderate advocate".split(
        " ",
      );
    for (const word of [...words, "quadrillion", "psst", "W", "A's", "zorblax", "unclickable"]) {
      for (const text of [word, `to ${word}`, `the ${word} of`, `${word} down`]) {
        for (const phone of phonesOf(pronounce(text))) expect(known, `${phone} in ${text}`).toContain(phone);
      }
    }
  });

  it.each([...Object.getOwnPropertyNames(Object.prototype), "a'e", "e'e"])("%s is a word like others", (word) => {
    for (const text of [word, `The ${word} is 5 ${word}, or $3 ${word}; ${word.toUpperCase()}!`]) {
      const said = pronounce(normalise(text)).filter(({ origin }) => origin !== "pause");
      expect(said.length).toBeGreaterThan(0);
      for (const { token, phones } of said) expect(phones, token).not.toEqual([]);
    }
  });

  it("what normalise writes can be said, and every word of it has phones", () => {
    const signs = fc.constantFrom(..."aeiAEXs'.,-/$%1290 @#_é√🎉".split(""));
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "grapheme", maxLength: 60 }), fc.string({ unit: signs, maxLength: 40 })),
        (text) => {
          for (const { token, phones, origin } of pronounce(normalise(text))) {
            if (origin !== "pause") expect(phones, token).not.toEqual([]);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("a page of text takes less than a second", () => {
    const text = normalise("The quick brown fox jumps over zorblaxian microservices, doesn't it? ".repeat(60));
    const started = performance.now();
    expect(phonesOf(pronounce(text)).length).toBeGreaterThan(2000);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
