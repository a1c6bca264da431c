import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findLanguage } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compressionRatio } from "../stretches.ts";
import { isSilence, needsFallback } from "./search/fallback.ts";
import { summarise } from "./search/scores.ts";
import { createBeamSearch } from "./search/search.ts";
import { nonSpeechTokens } from "./search/suppression.ts";
import { candidates, type TokenRules } from "./search/timestamp-rules.ts";
import { hashed } from "./testing/random-weights.ts";
import { readFixture, writeTokenizer } from "./testing/tiny-model.ts";
import { codesWithoutSpaces, languageCode, languageName, whisperCodes } from "./text/languages.ts";
import { contextTokens, longestContext } from "./text/prompt.ts";
import { textStretches } from "./text/text-stretches.ts";
import { readVocabulary, type Vocabulary } from "./text/vocabulary.ts";
import { dynamicTimeWarping } from "./words/dynamic-time-warping.ts";
import { medianFilter } from "./words/median-filter.ts";
import { textSegments } from "./words/text-segments.ts";
import { splitWords } from "./words/word-splitting.ts";
import { mergePunctuation, type TimedWord, timeSegments } from "./words/word-times.ts";

type Timed = [text: string, start: number, end: number];

/** What openai-whisper's own functions answer (models/recipes/whisper/utilities.py). */
interface Utilities {
  timestamp_rules: [
    seed: number,
    scale: number,
    said: number[],
    suppressed: number[],
    ids: number[],
    scores: number[],
  ][];
  beam_searches: [seed: number, beams: number, budget: number, tokens: number[], sum: number][];
  warpings: [seed: number, rows: number, columns: number, levels: number, wayDown: number[], wayRight: number[]][];
  medians: [seed: number, length: number, filtered: number[]][];
  token_words: [code: string, tokens: number[], words: string[], lengths: number[]][];
  encodings: [text: string, tokens: number[]][];
  punctuations: [words: string[], merged: string[], tokens: number[][]][];
  compressions: [text: string, deflated: number][];
  attempts: [answers: [ratio: number, average: number, silence: number][], asked: number, silent: boolean][];
  repaired_times: [
    words: string[],
    lengths: number[],
    begins: number[],
    segments: [number, number, number][],
    answer: Timed[],
    spans: [start: number, end: number][],
  ][];
  text_segments: [tokens: number[], segments: [start: number, end: number, text: string, tokens: number[]][]][];
  non_speech: Record<"multilingual" | "english", number[]>;
  languages: Record<string, string>;
}

const official = await readFixture<Utilities>("utilities");

describe("timestamp rules and suppression", () => {
  it(`leave the candidates that the official filters leave (${official.timestamp_rules.length} cases)`, () => {
    const [words, size] = [40, 98];
    for (const [seed, scale, said, suppressed, ids, scores] of official.timestamp_rules) {
      const rules: TokenRules = {
        tokens: { endOfText: words, noTimestamps: 47, firstTimestamp: 48 },
        suppressed: new Set(suppressed.filter((token) => token >= words)),
        timestamps: true,
        maxInitialTimestamp: 10,
      };
      const logits = Float32Array.from({ length: size }, (_, index) => scale * (2 * hashed(seed, index) - 1));
      const bias = new Float32Array(words);
      for (const token of suppressed) if (token < words) bias[token] = Number.NEGATIVE_INFINITY;
      if (said.length === 0) bias[3] = Number.NEGATIVE_INFINITY;
      const node = summarise({ words: logits.subarray(0, words), rest: logits.subarray(words) }, bias, 6, false);
      const found = candidates(node, said, rules, 6);
      const possible = found.ids.filter((_, place) => found.scores[place] !== Number.NEGATIVE_INFINITY);
      expect([...possible], `case ${seed}`).toEqual(ids);
      for (const [place, score] of scores.entries()) expect(found.scores[place]).toBeCloseTo(score, 3);
    }
  });
});

describe("beam search", () => {
  it(`finds the text that the official decoder finds (${official.beam_searches.length} cases)`, () => {
    const end = 12;
    const rules: TokenRules = {
      tokens: { endOfText: end, noTimestamps: end + 1, firstTimestamp: end + 1 },
      suppressed: new Set(),
      timestamps: false,
      maxInitialTimestamp: 0,
    };
    const scoresAfter = (seed: number, said: readonly number[], count: number) => {
      const place = said.reduce((sum, token) => (sum * 31 + token + 1) % 1_000_003, seed);
      const logits = Float32Array.from({ length: end + 1 }, (_, index) => 4 * hashed(place, index));
      const all = { words: logits.subarray(0, end), rest: logits.subarray(end) };
      return summarise(all, new Float32Array(end), count, false);
    };
    for (const [seed, beams, budget, tokens, sum] of official.beam_searches) {
      const search = createBeamSearch({ rules, budget, beams });
      let texts: number[][] = [[]];
      for (;;) {
        const step = search.advance(texts.map((said) => scoresAfter(seed, said, search.candidates)));
        if (step === undefined) break;
        const before = texts;
        texts = step.tokens.map((token, node) => [...(before[step.parents[node] ?? 0] ?? []), token]);
      }
      const found = search.result();
      expect(found.tokens, `case ${seed}`).toEqual(tokens);
      expect(found.sumLogProbability).toBeCloseTo(sum, 3);
    }
  });
});

describe("times", () => {
  it(`warps as the official code does (${official.warpings.length} cases)`, () => {
    for (const [seed, rows, columns, levels, wayDown, wayRight] of official.warpings) {
      const cost = (_: unknown, index: number) => Math.floor(hashed(seed, index) * levels) - levels / 2;
      const path = dynamicTimeWarping(Float64Array.from({ length: rows * columns }, cost), rows, columns);
      expect([[...path.rows], [...path.columns]], `case ${seed}`).toEqual([wayDown, wayRight]);
    }
  });

  it(`smooths as the official code does (${official.medians.length} cases)`, () => {
    for (const [seed, length, filtered] of official.medians) {
      const row = Float32Array.from({ length }, (_, index) => Math.floor(hashed(seed, index) * 20));
      expect([...medianFilter(row, 7)], `case ${seed}`).toEqual(filtered);
    }
  });

  it(`gives punctuation to its neighbours as the official code does (${official.punctuations.length} cases)`, () => {
    for (const [texts, merged, tokens] of official.punctuations) {
      const words = texts.map((text, place) => ({ text, tokens: [place] }));
      mergePunctuation(words);
      expect(words).toEqual(merged.map((text, place) => ({ text, tokens: tokens[place] })));
    }
  });

  it(`repairs times as the official code does (${official.repaired_times.length} cases)`, () => {
    for (const [texts, lengths, begins, given, answer, spans] of official.repaired_times) {
      let next = 0;
      const take = (count: number) => Array.from({ length: count }, () => next++);
      const words: TimedWord[] = texts.map((text, place) => ({
        ...{ text, tokens: take(lengths[place] ?? 0) },
        ...{ start: (begins[place] ?? 0) / 50, end: (begins[place + 1] ?? 0) / 50, probability: 1 },
      }));
      next = 0;
      const segments = given.map(([start, end, count]) => ({ start, end, tokens: take(count) }));
      const timed = timeSegments(words, segments, 1000);
      const repaired = timed.flatMap((segment) => segment.words);
      expect(timed.map(({ start, end }) => [start, end])).toEqual(spans);
      expect(repaired.map(({ text, start, end }) => [text, start, end])).toEqual(answer);
    }
  });
});

describe("second attempts", () => {
  // The size depends on the build of zlib: Node's is not the one that most Pythons have.
  it(`compress within five bytes of zlib 1.2.13, on the same side of the threshold (${official.compressions.length} cases)`, () => {
    for (const [text, deflated] of official.compressions) {
      const bytes = Buffer.byteLength(text);
      expect(Math.abs(bytes / compressionRatio(text) - deflated), text).toBeLessThan(5.5);
      expect(compressionRatio(text) > 2.4, text).toBe(bytes / deflated > 2.4);
    }
  });

  it(`are made, and silence is told, when the official code does (${official.attempts.length} cases)`, () => {
    const thresholds = { compressionRatioThreshold: 2.4, logProbabilityThreshold: -1, noSpeechThreshold: 0.6 };
    for (const [answers, asked, silent] of official.attempts) {
      const attempts = answers.map(([ratio, logProbability, noSpeechProbability]) => ({
        ...{ logProbability, noSpeechProbability },
        compressionRatio: ratio,
      }));
      const accepted = attempts.findIndex((attempt) => !needsFallback(attempt, thresholds));
      const last = attempts[accepted === -1 ? attempts.length - 1 : accepted];
      expect(accepted === -1 ? attempts.length : accepted + 1).toBe(asked);
      expect(last === undefined ? undefined : isSilence(last, thresholds)).toBe(silent);
    }
  });
});

describe("vocabulary", () => {
  let folder: string;
  let vocabulary: Vocabulary;
  let english: Vocabulary;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "whisper-tokens-"));
    await writeTokenizer(join(folder, "multilingual.json"), "multilingual-80");
    await writeTokenizer(join(folder, "english.json"), "english-80");
    vocabulary = await readVocabulary(join(folder, "multilingual.json"), 51_865);
    english = await readVocabulary(join(folder, "english.json"), 51_864);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it(`encodes as the official tokenizer does (${official.encodings.length} cases)`, () => {
    for (const [text, tokens] of official.encodings) expect(vocabulary.encode(text), text).toEqual(tokens);
  });

  it(`cuts words as the official tokenizer does (${official.token_words.length} cases)`, () => {
    for (const [code, tokens, texts, lengths] of official.token_words) {
      const words = splitWords(tokens, code, vocabulary);
      expect(
        words.map(({ text }) => text),
        `${code} ${tokens.join()}`,
      ).toEqual(texts);
      expect(words.map(({ tokens }) => tokens.length)).toEqual(lengths);
    }
  });

  it(`cuts texts at their timestamps as the official code does (${official.text_segments.length} cases)`, () => {
    const scores = { temperature: 0, logProbability: -0.5, compressionRatio: 1.5, noSpeechProbability: 0.25 };
    let compared = 0;
    for (const [tokens, segments] of official.text_segments) {
      const cut = textSegments(tokens, english.control.firstTimestamp, 30).map((each) => ({ ...each, words: [] }));
      const stretches = textStretches({ ...scores, segments: cut, seconds: 30 }, english);
      const text = english.decode(tokens).trim();
      expect(stretches.map((stretch) => stretch.text).join("")).toBe(text);
      const named = english.decodeAll(tokens);
      // The official code empties stretches that take no time, and cuts characters in two.
      const whole = segments.every(
        ([start, end, each]) => start !== end && each.trim() !== "" && !each.includes("\ufffd"),
      );
      if (!whole) continue;
      compared++;
      for (const [place, [start, end, each, own]] of segments.entries()) {
        const { text: found, ...stretch } = stretches[place] ?? { text: "" };
        expect(stretch, named).toEqual({
          ...{ start: expect.closeTo(start, 6), end: expect.closeTo(end, 6), tokens: own, temperature: 0 },
          ...{ avg_logprob: -0.5, compression_ratio: 1.5, no_speech_prob: 0.25 },
        });
        const [first, last] = [place === 0, place === segments.length - 1];
        expect(found, named).toBe(first ? (last ? each.trim() : each.trimStart()) : last ? each.trimEnd() : each);
      }
      expect(stretches.length, named).toBe(segments.length);
    }
    expect(compared).toBeGreaterThan(300);
  });

  it("suppresses the words that the official code suppresses", () => {
    expect(nonSpeechTokens(vocabulary.encode)).toEqual(official.non_speech.multilingual);
    expect(nonSpeechTokens(english.encode)).toEqual(official.non_speech.english);
  });

  it("knows the official languages, by Parlance's names", () => {
    expect(whisperCodes).toEqual(Object.keys(official.languages));
    expect([...vocabulary.languages.keys()]).toEqual(whisperCodes.slice(0, 99));
    for (const [code, name] of Object.entries(official.languages)) {
      expect(languageName(code).toLowerCase()).toBe(code === "tl" ? "filipino" : name);
      // Whoever asks by Whisper's own name or code is understood.
      expect(findLanguage(name)).toBe(languageName(code));
      expect(findLanguage(code)).toBe(languageName(code));
    }
    for (const code of whisperCodes.slice(0, 99)) expect(languageCode(vocabulary, languageName(code))).toBe(code);
    expect(languageCode(vocabulary, "Cantonese")).toBeUndefined();
    expect(languageCode({ languages: new Map([["iw", 1]]) }, "Hebrew")).toBe("iw");
    expect([...codesWithoutSpaces].sort()).toEqual(["ja", "lo", "my", "th", "yue", "zh"]);
  });

  it("keeps the end of a long context, as much as is asked for, and all of the hotwords", () => {
    const longest = longestContext(448);
    expect(longest).toBe(223);
    const context = Array.from({ length: 300 }, (_, index) => `line ${index}.`).join("\n");
    const whole = vocabulary.encode(` ${context}`);
    expect(contextTokens(vocabulary, `\t${context}\n`, [], longest)).toEqual(whole.slice(-223));
    const hotwords = vocabulary.encode(" NATS, JetStream");
    const both = contextTokens(vocabulary, context, ["NATS", "JetStream"], longest);
    expect(both).toEqual([...whole, ...hotwords].slice(-223));
    expect(contextTokens(vocabulary, " \n", [], longest)).toEqual([]);
  });

  it("never makes a control token of what a caller wrote", () => {
    const text = " <|endoftext|>one<|<|startofprev|>startoftranscript|> <|0.00|>two";
    const tokens = vocabulary.encode(text);
    expect(Math.max(...tokens)).toBeLessThan(vocabulary.control.endOfText);
    expect(vocabulary.decode(tokens)).toBe(" one two");
  });

  it("writes control tokens only where they are asked for", () => {
    const { endOfText, firstTimestamp } = vocabulary.control;
    const tokens = [firstTimestamp + 54, ...vocabulary.encode(" hi"), endOfText];
    expect(vocabulary.decode(tokens)).toBe(" hi");
    expect(vocabulary.decodeAll(tokens)).toBe("<|1.08|> hi<|endoftext|>");
  });
});
