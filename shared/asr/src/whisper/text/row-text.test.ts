/** Stretches and token scores of any tokens: they cover the text, whatever bytes it is made of. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTokenizer } from "../testing/tiny-model.ts";
import { textSegments } from "../words/text-segments.ts";
import type { TimedSegment } from "../words/word-times.ts";
import { orderedWords, textStretches } from "./text-stretches.ts";
import { tokenScores } from "./token-scores.ts";
import { readVocabulary, type Vocabulary } from "./vocabulary.ts";

let folder: string;
let vocabulary: Vocabulary;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "whisper-row-text-"));
  await writeTokenizer(join(folder, "tokenizer.json"), "multilingual-80");
  vocabulary = await readVocabulary(join(folder, "tokenizer.json"), 51_865);
});
afterAll(() => rm(folder, { recursive: true }));

const SECONDS = 12.5;
const first = () => vocabulary.control.firstTimestamp;
/** Single bytes, white space, words, and timestamps as negative numbers. */
const token = fc.oneof(
  fc.nat(255),
  fc.constantFrom(220, 197, 198),
  fc.integer({ min: 256, max: 50_000 }),
  fc.integer({ min: -750, max: -1 }),
);
const tokensOf = (drawn: readonly number[]) => {
  let latest = 0;
  return drawn.map((each) => {
    if (each >= 0) return each;
    latest = Math.max(latest, -each);
    return first() + latest;
  });
};
const scored = { temperature: 0.2, logProbability: -0.5, compressionRatio: 1.5, noSpeechProbability: 0.25 };

/** Words at random places, as the official repairs may leave them: in order, but for some that overlap. */
function withWords(segments: readonly TimedSegment[], places: readonly number[]): TimedSegment[] {
  let next = 0;
  const place = () => (places[next++ % places.length] ?? 0) / 50;
  const texts = vocabulary.decodeParts(segments.map(({ tokens }) => tokens));
  return segments.map((segment, number) => {
    const text = texts[number] ?? "";
    const words =
      text.trim() === ""
        ? []
        : [text, " "].map((each) => ({ text: each, tokens: [], start: place(), end: place(), probability: 0.5 }));
    return { ...segment, words };
  });
}

describe("the stretches of a row", () => {
  const draw = fc.tuple(fc.array(token, { maxLength: 24 }), fc.array(fc.nat(800), { minLength: 1, maxLength: 9 }));

  it("are its text when they are joined, with times inside the row that never go back", () => {
    fc.assert(
      fc.property(draw, fc.boolean(), ([drawn, places], timed) => {
        const tokens = tokensOf(drawn);
        const cut = textSegments(tokens, first(), SECONDS).map((each) => ({ ...each, words: [] }));
        const segments = orderedWords(timed ? withWords(cut, places) : cut, SECONDS);
        const stretches = textStretches({ ...scored, segments, seconds: SECONDS }, vocabulary);
        expect(stretches.map(({ text }) => text).join("")).toBe(vocabulary.decode(tokens).trim());
        for (const { text } of stretches) expect(text).not.toBe("");
        const times = stretches.flatMap(({ start, end }) => [start, end]);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(times.every((time) => time >= 0 && time <= SECONDS)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it("begin with their first words and end with their last", () => {
    fc.assert(
      fc.property(draw, ([drawn, places]) => {
        const cut = textSegments(tokensOf(drawn), first(), SECONDS).map((each) => ({ ...each, words: [] }));
        const segments = orderedWords(withWords(cut, places), SECONDS);
        const stretches = textStretches({ ...scored, segments, seconds: SECONDS }, vocabulary);
        const words = segments.flatMap((segment) => segment.words);
        if (words.length !== stretches.length) return;
        expect(stretches.map(({ start, end }) => [start, end])).toEqual(words.map(({ start, end }) => [start, end]));
      }),
      { numRuns: 500 },
    );
  });

  it("tell the scores of the row, and the tokens between their timestamps", () => {
    const [a, b, c, d] = [first() + 10, first() + 60, first() + 70, first() + 110];
    const [hello, world] = [vocabulary.encode(" Hello"), vocabulary.encode(" world.")];
    const tokens = [a, ...hello, b, c, ...world, d];
    const segments = textSegments(tokens, first(), SECONDS).map((each) => ({ ...each, words: [] }));
    const common = { temperature: 0.2, avg_logprob: -0.5, compression_ratio: 1.5, no_speech_prob: 0.25 };
    expect(textStretches({ ...scored, segments, seconds: SECONDS }, vocabulary)).toEqual([
      { start: 0.2, end: 1.2, text: "Hello", tokens: [a, ...hello, b], ...common },
      {
        start: expect.closeTo(1.4, 9),
        end: expect.closeTo(2.2, 9),
        text: " world.",
        tokens: [c, ...world, d],
        ...common,
      },
    ]);
  });
});

describe("the scores of a row's tokens", () => {
  it("have the text's bytes, without the white space around it, whatever characters they part", () => {
    fc.assert(
      fc.property(fc.array(token, { maxLength: 24 }), (drawn) => {
        const tokens = tokensOf(drawn);
        const scores = tokens.map((_, place) => -place);
        const told = tokenScores(tokens, scores, vocabulary);
        const bytes = Buffer.from(told.flatMap((each) => each.bytes));
        expect(bytes.toString()).toBe(vocabulary.decode(tokens).trim());
        const spoken = tokens.flatMap((each) =>
          each < vocabulary.control.endOfText ? [...vocabulary.bytesOf(each)] : [],
        );
        expect(Buffer.from(spoken).includes(bytes)).toBe(true);
        for (const each of told) expect(each.bytes.length).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });

  it("are those of the words: no timestamps among them", () => {
    const [hello = 0] = vocabulary.encode(" Hello");
    const [dot = 0] = vocabulary.encode(".");
    expect(tokenScores([first(), hello, dot, first() + 9], [-1, -2, -3, -4], vocabulary)).toEqual([
      { token: "Hello", logprob: -2, bytes: [...Buffer.from("Hello")] },
      { token: ".", logprob: -3, bytes: [46] },
    ]);
    const [one = 0, ...rest] = vocabulary.encode("東");
    const halves = tokenScores([one, ...rest], [-1, -2, -3], vocabulary);
    expect(Buffer.from(halves.flatMap(({ bytes }) => bytes)).toString()).toBe("東");
  });
});
