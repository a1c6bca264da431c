import { inOneTurn } from "@parlance/inference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Emissions } from "../emissions/emissions.ts";
import { labelLikelihood } from "../emissions/forward.ts";
import { createRandom, randomEmissions, spokenEmissions } from "../emissions/synthetic.ts";
import { parseArpa } from "../language/language-model.ts";
import { type Lexicon, labelsTo, parseLexicon } from "../language/lexicon.ts";
import { createVocabulary } from "../language/vocabulary.ts";
import { type BeamOptions, createPrefixBeam } from "./prefix-beam.ts";

const labels = ["", "|", "a", "b", "c"];
const lexiconText = "ab a b\nba b a\na a\nay a\nbee b\nbee b c\ncab c a b\n";
const arpa = `
\\data\\
ngram 1=7
ngram 2=3
ngram 3=2
\\1-grams:
-0.8 </s>
-99 <s> -0.2
-0.9 ab -0.3
-1.1 ba -0.1
-0.6 a -0.4
-1.9 ay -0.2
-1.3 bee -0.3
\\2-grams:
-0.3 <s> ab -0.1
-0.2 ab ay -0.3
-0.7 a bee
\\3-grams:
-0.1 <s> ab ay
-0.2 ab ay </s>
\\end\\
`;

function load(change: Partial<BeamOptions> = {}) {
  const vocabulary = createVocabulary();
  const lexicon = parseLexicon(Buffer.from(lexiconText), labels, vocabulary);
  const languageModel = parseArpa(Buffer.from(arpa), vocabulary);
  const options: BeamOptions = {
    lexicon,
    languageModel,
    beamSize: 24,
    languageModelWeight: 0.7,
    wordBonus: 0.5,
    ...change,
  };
  return { options, vocabulary, lexicon, beam: createPrefixBeam(options) };
}

type Loaded = ReturnType<typeof load>;

/** The best score of any sequence of at most `most` words, by summing every alignment of every pronunciation. */
function bruteForce({ options, lexicon, vocabulary }: Loaded, emissions: Emissions, most: number, boost = new Map()) {
  const { languageModel, languageModelWeight, wordBonus } = options;
  let best = { words: "", score: Number.NEGATIVE_INFINITY };
  const consider = (words: number[]) => {
    let language = 0;
    let state = languageModel?.start ?? -1;
    for (const word of words) {
      language += wordBonus + (boost.get(word) ?? 0) + languageModelWeight * (languageModel?.score(state, word) ?? 0);
      state = languageModel?.next ?? -1;
    }
    language += languageModelWeight * (languageModel?.end(state) ?? 0);
    // Pronunciations are one hypothesis once a separator has come; those of the last word may still be open.
    const said = pronunciations(lexicon, words);
    const open = words.length === 0 ? said : pronunciations(lexicon, words.slice(0, -1));
    const ends = [
      ...lexicon.ends.subarray(lexicon.firstEnd[words.at(-1) ?? 0], lexicon.firstEnd[(words.at(-1) ?? 0) + 1]),
    ];
    const hypotheses =
      words.length === 0
        ? [said]
        : [
            said.map((labels) => [...labels, 1]),
            ...ends.map((end) =>
              open.map((labels) => [...labels, ...(labels.length > 0 ? [1] : []), ...labelsTo(lexicon, end)]),
            ),
          ];
    for (const hypothesis of hypotheses) {
      const total = hypothesis.reduce((sum, labels) => sum + Math.exp(labelLikelihood(emissions, labels)), 0);
      const score = Math.log(total) + language;
      if (score > best.score) best = { words: words.map(vocabulary.text).join(" "), score };
    }
    if (words.length === most) return;
    for (let word = 0; word < lexicon.firstEnd.length - 1; word++) consider([...words, word]);
  };
  consider([]);
  return best;
}

function pronunciations(lexicon: Lexicon, words: readonly number[]): number[][] {
  return words.reduce<number[][]>(
    (all, word, index) => {
      const ends = lexicon.ends.subarray(lexicon.firstEnd[word], lexicon.firstEnd[word + 1]);
      return all.flatMap((said) =>
        [...ends].map((end) => [...said, ...(index > 0 ? [1] : []), ...labelsTo(lexicon, end)]),
      );
    },
    [[]],
  );
}

const seeds = fc.integer({ min: 1, max: 10_000_000 });

describe("createPrefixBeam", () => {
  it("finds the best of all word sequences when its beam is wide and histories are kept apart", () => {
    const loaded = load({ beamSize: 256, recombine: false });
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 5 }), (seed, frames) => {
        const emissions = randomEmissions(frames, labels.length, createRandom(seed), 6);
        const expected = bruteForce(loaded, emissions, 3);
        const found = inOneTurn(loaded.beam.decode(emissions));
        expect(found.score).toBeCloseTo(expected.score, 3);
        expect(found.words.map(loaded.vocabulary.text).join(" ")).toBe(expected.words);
      }),
      { numRuns: 150 },
    );
  });

  it("loses next to nothing by recombining histories that the language model cannot tell apart", () => {
    const loaded = load({ beamSize: 24 });
    let equal = 0;
    const runs = 200;
    for (let seed = 1; seed <= runs; seed++) {
      const emissions = randomEmissions(5, labels.length, createRandom(seed), 6);
      const expected = bruteForce(loaded, emissions, 3);
      const found = inOneTurn(loaded.beam.decode(emissions));
      expect(found.score).toBeLessThanOrEqual(expected.score + 1e-3);
      if (found.words.map(loaded.vocabulary.text).join(" ") === expected.words) equal++;
    }
    expect(equal / runs).toBeGreaterThan(0.95);
  });

  it("adds the boosts of words", () => {
    const loaded = load({ beamSize: 256, recombine: false });
    const boosts = new Map([
      [loaded.vocabulary.findText("cab"), 3],
      [loaded.vocabulary.findText("ay"), 2],
    ]);
    for (let seed = 1; seed <= 60; seed++) {
      const emissions = randomEmissions(4, labels.length, createRandom(seed), 6);
      const expected = bruteForce(loaded, emissions, 3, boosts);
      const found = inOneTurn(loaded.beam.decode(emissions, boosts));
      expect(found.words.map(loaded.vocabulary.text).join(" ")).toBe(expected.words);
      expect(inOneTurn(loaded.beam.decode(emissions)).score).toBeCloseTo(bruteForce(loaded, emissions, 3).score, 3);
    }
  });

  it("says what is said clearly, with the pronunciation and the homophone that fit", () => {
    const { beam, vocabulary, lexicon } = load();
    const said = (text: string) => {
      const path = text.split(" ").map((label) => labels.indexOf(label));
      const found = inOneTurn(beam.decode(spokenEmissions(path, { labels: labels.length, random: createRandom(3) })));
      const heard = found.nodes.map((node) => labelsTo(lexicon, node).map((label) => labels[label]));
      return { ...found, heard, text: found.words.map(vocabulary.text).join(" ") };
    };
    expect(said("a b | a")).toMatchObject({ text: "ab ay", separated: false });
    expect(said("a |")).toMatchObject({ text: "a", separated: true });
    expect(said("a | b c")).toMatchObject({ text: "a bee", heard: [["a"], ["b", "c"]] });
    expect(said("a | b | a")).toMatchObject({ heard: [["a"], ["b"], ["a"]] });
  });

  it("says nothing for silence, and no word for a beginning of one", () => {
    const { beam } = load({ languageModel: undefined });
    expect(inOneTurn(beam.decode(spokenEmissions([], { labels: 5, gap: 20 }))).words).toEqual([]);
    expect(inOneTurn(beam.decode(spokenEmissions([4], { labels: 5, certainty: 30 }))).words).toEqual([]);
    expect(inOneTurn(beam.decode({ data: new Float32Array(), offset: 0, frames: 0, labels: 5 })).words).toEqual([]);
  });

  it("answers the same for a row alone and inside a batch's buffer", () => {
    const { beam } = load();
    const row = randomEmissions(30, 5, createRandom(9), 6);
    const data = new Float32Array(row.data.length + 20).fill(-1);
    data.set(row.data, 10);
    expect(inOneTurn(beam.decode({ ...row, data, offset: 10 }))).toEqual(inOneTurn(beam.decode(row)));
  });
});
