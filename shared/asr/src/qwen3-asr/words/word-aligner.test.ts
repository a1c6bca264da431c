import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AsrOutcome, AsrSegment } from "../../types.ts";
import { loadTokenizer } from "../prompt/prompt-tokenizer.ts";
import { fixturePath, goldenClips, readGolden } from "../testing/golden.ts";
import { loadWordAligner, type WordAligner } from "./word-aligner.ts";

const golden = readGolden();
const clips = goldenClips(golden);
const folder = fixturePath("model");
let aligner: WordAligner;

beforeAll(async () => {
  aligner = await loadWordAligner({
    device: { provider: "cpu", deviceId: 0 },
    threads: 1,
    graphOf: (role) => join(folder, `${role}.onnx`),
    hidden: 32,
    millisecondsPerClass: 80,
    languages: ["Chinese", "English", "French", "German", "Japanese"],
    tokenizer: await loadTokenizer(join(folder, "tokenizer.json")),
  });
});
afterAll(() => aligner.close());

function heard(clip: string, text: string, language: string, timestamps = true): [AsrSegment, AsrOutcome] {
  const samples = clips.get(clip) ?? new Int16Array();
  return [
    { samples, language: "auto", timestamps, hotwords: [], phrases: [] },
    { ok: true, result: { text, language, words: [], score: -1, truncated: false } },
  ];
}

async function wordsOf(rows: [AsrSegment, AsrOutcome][]) {
  const outcomes = rows.map(([, outcome]) => outcome);
  await aligner.addWords(
    rows.map(([segment]) => segment),
    outcomes,
  );
  return outcomes.map((outcome) => (outcome.ok ? outcome.result.words : []));
}

const expected = golden.alignments.map(({ words }) => words.map(([text, start, end]) => ({ text, start, end })));

describe("the forced aligner", () => {
  it("gives every word the official times, row by row", async () => {
    for (const [index, { clip, text, language }] of golden.alignments.entries()) {
      expect(await wordsOf([heard(clip, text, language)])).toEqual([expected[index]]);
    }
  });

  it("gives them in a ragged batch too", async () => {
    const rows = golden.alignments.map(({ clip, text, language }) => heard(clip, text, language));
    expect(await wordsOf(rows)).toEqual(expected);
  });

  it("leaves rows alone that want no words, have none, or are in a language that it does not know", async () => {
    const rows = [
      heard("1 s", "hello", "English", false),
      heard("1 s", "", "English"),
      heard("1 s", "?!", "English"),
      heard("1 s", "здравствуйте", "Russian"),
      heard("1 s", "hello", ""),
    ];
    expect(await wordsOf(rows)).toEqual([[], [], [], [], []]);
  });

  it("gives Japanese words times that run forward", async () => {
    const [words = []] = await wordsOf([heard("7 s", "今日はいい天気ですね。", "Japanese")]);
    expect(words.map(({ text }) => text).join("")).toBe("今日はいい天気ですね");
    const times = words.flatMap(({ start, end }) => [start, end]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});
