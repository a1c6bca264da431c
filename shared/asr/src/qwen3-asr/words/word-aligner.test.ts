import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

function wordsOf(clip: string, text: string, language: string) {
  return aligner.wordsOf(clips.get(clip) ?? new Int16Array(), { text, language }, async () => {});
}

const expected = golden.alignments.map(({ words }) => words.map(([text, start, end]) => ({ text, start, end })));

describe("the forced aligner", () => {
  it("gives every word the official times", async () => {
    for (const [index, { clip, text, language }] of golden.alignments.entries()) {
      expect(await wordsOf(clip, text, language)).toEqual(expected[index]);
    }
  });

  it("gives none where there are no words, or in a language that it does not know", async () => {
    const rows = [
      ["", "English"],
      ["?!", "English"],
      ["здравствуйте", "Russian"],
      ["hello", ""],
    ] as const;
    for (const [text, language] of rows) expect(await wordsOf("1 s", text, language)).toEqual([]);
  });

  it("gives Japanese words times that run forward", async () => {
    const words = await wordsOf("7 s", "今日はいい天気ですね。", "Japanese");
    expect(words.map(({ text }) => text).join("")).toBe("今日はいい天気ですね");
    const times = words.flatMap(({ start, end }) => [start, end]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});
