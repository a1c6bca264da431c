import { describe, expect, it } from "vitest";
import { parseArpa } from "./language-model.ts";
import { createVocabulary } from "./vocabulary.ts";

const arpa = `
\\data\\
ngram 1=5
ngram 2=3
ngram 3=2

\\1-grams:
-1.0\t</s>
-99\t<s>\t-0.5
-0.7\tthe\t-0.3
-1.2\tcat\t-0.2
-1.5\tsat

\\2-grams:
-0.4\tthe\tcat\t-0.1
-0.2\t<s>\tthe\t-0.6
-0.9\tcat\tsat

\\3-grams:
-0.05\t<s>\tthe\tcat
-0.3\tthe\tcat\tsat

\\end\\
`;

function parse(text: string, before: string[] = []) {
  const vocabulary = createVocabulary();
  for (const word of before) vocabulary.add(Buffer.from(word), 0, word.length);
  const model = parseArpa(new TextEncoder().encode(text), vocabulary);
  /** Base 10 scores of each word of a sentence. */
  const scores = (sentence: string) => {
    let state = model.start;
    return sentence.split(" ").map((word) => {
      const score = model.score(state, vocabulary.findText(word)) / Math.LN10;
      state = model.next;
      return Number(score.toFixed(4));
    });
  };
  return { model, vocabulary, scores };
}

describe("parseArpa", () => {
  it("takes the longest n-gram there is", () => {
    expect(parse(arpa).scores("the cat sat")).toEqual([-0.2, -0.05, -0.3]);
  });

  it("backs off with the weights of the contexts that fail", () => {
    const { scores } = parse(arpa);
    // P(sat | <s> the): no trigram, backoff of "<s> the"; no bigram "the sat", backoff of "the"; unigram.
    expect(scores("the sat")).toEqual([-0.2, -2.4]);
    // P(cat | <s>): backoff of <s>, unigram. P(sat | <s> cat): "<s> cat" is no bigram, so nothing is paid for it.
    expect(scores("cat sat")).toEqual([-1.7, -0.9]);
    // P(</s> | cat sat): "cat sat" has no backoff, nor has "sat".
    expect(scores("the cat sat </s>").at(-1)).toBe(-1);
    // P(the | the cat): backoff of "the cat", then of "cat", then the unigram.
    expect(scores("the cat the").at(-1)).toBe(-1);
  });

  it("gives a word that it does not know a little less than its least likely one, or what <unk> says", () => {
    const { model, vocabulary } = parse(arpa, ["dog"]);
    const dog = vocabulary.findText("dog");
    expect(model.unigram(dog)).toBeCloseTo(-1.5 * Math.LN10 - 1, 4);
    const withUnknown = parse(arpa.replace("ngram 1=5", "ngram 1=6").replace("-1.2\tcat", "-3\t<unk>\n-1.2\tcat"), [
      "dog",
    ]);
    expect(withUnknown.model.unigram(withUnknown.vocabulary.findText("dog"))).toBeCloseTo(-3 * Math.LN10, 4);
  });

  it("forgets what no n-gram asks for, so that equal futures are one state", () => {
    const { model, vocabulary } = parse(arpa);
    const state = (sentence: string) => {
      let at = model.start;
      for (const word of sentence.split(" ")) {
        model.score(at, vocabulary.findText(word));
        at = model.next;
      }
      return at;
    };
    expect(state("the cat sat")).toBe(-1);
    expect(state("sat")).toBe(-1);
    expect(state("sat cat")).toBe(state("cat"));
    expect(state("sat the cat")).not.toBe(state("sat cat"));
  });

  it("uses the lower orders of a longer model", () => {
    const longer = arpa.replace("\\end\\", "\\4-grams:\n-0.01\t<s> the cat sat\n\n\\end\\");
    expect(parse(longer).scores("the cat sat")).toEqual([-0.2, -0.05, -0.3]);
    expect(parse(longer).model.counts).toEqual([5, 3, 2]);
  });

  it("refuses what is not an ARPA file, ends early, or has a wrong line", () => {
    expect(() => parse("hello\nworld\n")).toThrow("not an ARPA file");
    expect(() => parse(arpa.replace("\\end\\", ""))).toThrow("ends without \\end\\");
    expect(() => parse(arpa.replace("-0.4\tthe\tcat", "x\tthe\tcat"))).toThrow("line 15");
    expect(() => parse(arpa.replace("-0.4\tthe\tcat\t-0.1", "-0.4\tthe"))).toThrow("not a 2-gram");
    expect(() => parse(arpa.replace("ngram 2=3", "ngram 2=4"))).toThrow("there are 3 2-grams, the head says 4");
    expect(() => parse(arpa.replace("ngram 2=3", "ngram 2=4000000000"))).toThrow("too short");
    expect(() => parse(arpa.replace("-0.3\tthe\tcat\tsat", "-0.3\tsat\tsat\tsat"))).toThrow("sat sat sat");
  });
});
