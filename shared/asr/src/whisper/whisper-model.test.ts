import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenedWhisper } from "./open-whisper.ts";
import { makeClip } from "./testing/clips.ts";
import { type Golden, readClips, readGolden, tinyModels, unpacked, writeTinyModel } from "./testing/tiny-model.ts";
import { openTiny } from "./testing/tiny-transcriber.ts";

const clips = new Map(Object.entries(await readClips()).map(([name, rule]) => [name, makeClip(rule)]));
const clip = (name: string) => clips.get(name) ?? new Int16Array();
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "whisper-"));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

describe.each(tinyModels)("%s", (name) => {
  let golden: Golden;
  let model: OpenedWhisper;

  beforeAll(async () => {
    golden = await readGolden(name);
    await writeTinyModel(join(root, name), name, { temperatures: [0], maxTokens: 64 });
    model = await openTiny(join(root, name), 1);
  });
  afterAll(() => model.graphs.close());

  it("hears the features that the official code hears", () => {
    for (const [name, { features }] of Object.entries(golden.clips)) {
      const heard = model.features(clip(name));
      for (const [index, value] of unpacked(features).entries()) {
        expect(Math.abs((heard[index * features.step] ?? 0) - value)).toBeLessThan(1e-4);
      }
    }
  });

  it.each([false, true])("greedy, timestamps %s: says the tokens that the official code says", async (timestamps) => {
    const wanted = golden.decodings.filter(
      (one) =>
        one.beam === 1 &&
        one.timestamps === timestamps &&
        one.language === null &&
        one.context === undefined &&
        one.budget === 64,
    );
    const rows = wanted.map((one) => ({
      samples: clip(one.clip),
      language: undefined,
      timestamps,
      context: [],
      phrases: [],
    }));
    const results = await model.transcribe(rows);
    for (const [index, one] of wanted.entries()) {
      const result = results[index];
      expect(result?.language).toBe(model.vocabulary.multilingual ? one.heard : "en");
      expect(result?.tokens, one.clip).toEqual(one.tokens);
      expect(result?.text).toBe(one.text);
      expect(result?.logProbability).toBeCloseTo(one.logProbability, 4);
      expect(Math.abs((result?.noSpeechProbability ?? 0) / one.noSpeech - 1)).toBeLessThan(1e-3);
      if (one.words !== undefined)
        expect(result?.words.map(({ text, start, end }) => [text, start, end])).toEqual(one.words);
    }
  });
});
