import { describe, expect, it } from "vitest";
import { childOf, labelsTo, parseLexicon, ROOT } from "./lexicon.ts";
import { createVocabulary } from "./vocabulary.ts";

const labels = ["", "|", "k", "ae", "t", "s", "dh", "ah", "iy"];
const bytes = (text: string) => new TextEncoder().encode(text);

function parse(text: string) {
  const vocabulary = createVocabulary();
  return { vocabulary, lexicon: parseLexicon(bytes(text), labels, vocabulary) };
}

function walk(lexicon: ReturnType<typeof parse>["lexicon"], phones: string): number {
  let node = ROOT;
  for (const phone of phones.split(" ")) node = node === -1 ? -1 : childOf(lexicon, node, labels.indexOf(phone));
  return node;
}

describe("parseLexicon", () => {
  it("finds words, homophones and several pronunciations by their labels", () => {
    const { lexicon, vocabulary } = parse("cat k ae t\nkat k ae t\ncats  k ae t s\r\n\nthe dh ah\nthe dh iy\n");
    const said = (phones: string) => {
      const node = walk(lexicon, phones);
      return [...lexicon.words.subarray(lexicon.firstWord[node], lexicon.firstWord[node + 1])].map(vocabulary.text);
    };
    expect(said("k ae t")).toEqual(["cat", "kat"]);
    expect(said("k ae t s")).toEqual(["cats"]);
    expect(said("dh ah")).toEqual(["the"]);
    expect(said("k ae")).toEqual([]);
    expect(walk(lexicon, "ae")).toBe(-1);
    expect(lexicon.size).toBe(8);
  });

  it("answers each word's pronunciations", () => {
    const { lexicon, vocabulary } = parse("the dh ah\ncat k ae t\nthe dh iy\nthe dh ah\n");
    const word = vocabulary.findText("the");
    const ends = [...lexicon.ends.subarray(lexicon.firstEnd[word], lexicon.firstEnd[word + 1])];
    expect(ends.map((node) => labelsTo(lexicon, node).map((label) => labels[label])).sort()).toEqual([
      ["dh", "ah"],
      ["dh", "iy"],
    ]);
    expect(labelsTo(lexicon, walk(lexicon, "k ae t"))).toEqual([2, 3, 4]);
  });

  it("numbers parents before children and keeps children sorted", () => {
    const { lexicon } = parse("a t s\nb s\nc k ae t\nd k ah\n");
    for (let node = 1; node < lexicon.size; node++) expect(lexicon.parent[node]).toBeLessThan(node);
    for (let node = 0; node < lexicon.size; node++) {
      const children = [...lexicon.label.subarray(lexicon.firstChild[node], lexicon.firstChild[node + 1])];
      expect(children).toEqual(children.toSorted((a, b) => a - b));
    }
  });

  it("names the line that is wrong", () => {
    expect(() => parse("cat k ae t\ndog d ao g\n")).toThrow('lexicon, line 2: "d" is not a label of the model');
    expect(() => parse("cat\n")).toThrow("lexicon, line 1");
    expect(() => parse("cat k | t\n")).toThrow('"|"');
  });
});

describe("createVocabulary", () => {
  it("numbers each word once, through many growths", () => {
    const vocabulary = createVocabulary();
    const words = Array.from({ length: 20_000 }, (_, n) => `wörd${n * 7}`);
    for (const [id, word] of words.entries()) expect(vocabulary.add(bytes(word), 0, bytes(word).length)).toBe(id);
    for (const [id, word] of words.entries()) {
      if (id % 97 !== 0) continue;
      expect(vocabulary.findText(word)).toBe(id);
      expect(vocabulary.text(id)).toBe(word);
    }
    expect(vocabulary.findText("absent")).toBe(-1);
    expect(vocabulary.size).toBe(words.length);
  });
});
