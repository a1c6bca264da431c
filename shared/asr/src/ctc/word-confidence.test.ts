/** What a word's confidence says, on the model that ships: words that are wrong have less of it than words that are right. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shippedModels } from "@parlance/model-store";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { loadAsrModel } from "../load-asr-model.ts";
import type { AsrModel } from "../types.ts";
import { createRandom } from "./emissions/synthetic.ts";

const folder = join(shippedModels, "parlance-en", "samples");
const clips = z
  .array(z.object({ file: z.string(), text: z.string() }))
  .parse(JSON.parse(readFileSync(join(folder, "samples.json"), "utf8")));

let model: AsrModel;
beforeAll(async () => {
  model = await loadAsrModel({ modelId: "parlance-en", device: "cpu", computeType: "auto", threads: 1, log: () => {} });
});
afterAll(() => model.close());

/** 16 kHz PCM16 behind a header of 44 bytes, with noise of this height at most. */
function heard(file: string, noise: number): Int16Array {
  const samples = new Int16Array(new Uint8Array(readFileSync(join(folder, file)).subarray(44)).buffer);
  const random = createRandom(noise);
  return samples.map((sample) => Math.max(-32_768, Math.min(32_767, sample + noise * (2 * random() - 1))));
}

/** Which of the words are the reference's, by the likeliest way from one to the other. */
function rightWords(reference: readonly string[], words: readonly string[]): boolean[] {
  // The longest common subsequence of what is behind each pair of places.
  const common = Array.from({ length: reference.length + 1 }, () => new Uint32Array(words.length + 1));
  const at = (row: number, column: number) => common[row]?.[column] ?? 0;
  for (let row = reference.length - 1; row >= 0; row--) {
    for (let column = words.length - 1; column >= 0; column--) {
      const same = reference[row] === words[column];
      const value = same ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
      common[row]?.fill(value, column, column + 1);
    }
  }
  const right = words.map(() => false);
  for (let row = 0, column = 0; row < reference.length && column < words.length; ) {
    if (reference[row] === words[column]) {
      right[column++] = true;
      row++;
    } else if (at(row + 1, column) >= at(row, column + 1)) row++;
    else column++;
  }
  return right;
}

test("words that are wrong have a lower confidence than words that are right", async () => {
  const confidences = { right: [] as number[], wrong: [] as number[] };
  for (const noise of [0, 3_000, 6_000]) {
    const rows = clips.map(({ file }) => heard(file, noise));
    const outcomes = await model.transcribe(
      rows.map((samples) => ({ samples, language: "auto", timestamps: true, hotwords: [], phrases: [] })),
    );
    for (const [index, outcome] of outcomes.entries()) {
      if (!outcome.ok) throw new Error(outcome.failure.message);
      const { words } = outcome.result;
      const reference = clips[index]?.text.toLowerCase().match(/[a-z']+/g) ?? [];
      const right = rightWords(
        reference,
        words.map(({ text }) => text),
      );
      for (const [place, { confidence = Number.NaN }] of words.entries()) {
        confidences[right[place] === true ? "right" : "wrong"].push(confidence);
      }
    }
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const { right, wrong } = confidences;
  expect(right.length).toBeGreaterThan(200);
  expect(wrong.length).toBeGreaterThan(20);
  expect(mean(right)).toBeGreaterThan(0.75);
  expect(mean(wrong)).toBeLessThan(mean(right) - 0.2);
  // Of a right and a wrong word, the right one has more of it in four of five cases.
  const above = right.reduce((sum, one) => sum + wrong.filter((other) => one > other).length, 0);
  expect(above / (right.length * wrong.length)).toBeGreaterThan(0.8);
});
