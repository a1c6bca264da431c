import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenedWhisper } from "./open-whisper.ts";
import { makeClip } from "./testing/clips.ts";
import {
  type GoldenDecoding,
  type Packed,
  readClips,
  readGolden,
  type TinyModel,
  tinyModels,
  unpacked,
  writePublicModel,
  writeTinyModel,
} from "./testing/tiny-model.ts";
import { openTiny } from "./testing/tiny-transcriber.ts";
import type { WhisperResult } from "./transcriber.ts";

const clips = new Map(Object.entries(await readClips()).map(([name, rule]) => [name, makeClip(rule)]));
const clip = (name: string) => clips.get(name) ?? new Int16Array();
/** Milliseconds: other suites may have the cores. */
const PATIENCE = 180_000;
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "whisper-"));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

/** Decodes as the recipe did: no second attempts, 64 tokens at most. */
async function withModel<T>(
  name: TinyModel | "split" | "merged",
  beams: number,
  use: (model: OpenedWhisper) => Promise<T>,
): Promise<T> {
  const folder = join(root, `${name}-${beams}`);
  if (name === "split" || name === "merged") await writePublicModel(folder, name, 64);
  else await writeTinyModel(folder, name);
  const model = await openTiny(folder, beams);
  try {
    return await use(model);
  } finally {
    await model.graphs.close();
    await rm(folder, { recursive: true });
  }
}

function decode(model: OpenedWhisper, decodings: readonly GoldenDecoding[]): Promise<WhisperResult[]> {
  return model.transcribe(
    decodings.map(({ clip: name, language, timestamps, context }) => ({
      samples: clip(name),
      language: language ?? undefined,
      timestamps,
      context: context === undefined ? [] : model.vocabulary.encode(` ${context}`),
      phrases: [],
    })),
  );
}

/** Decodes in passes of these sizes, one after the other, until all are done. */
async function expectGolden(
  model: OpenedWhisper,
  decodings: readonly GoldenDecoding[],
  sizes: readonly number[],
  words = true,
) {
  for (let from = 0, pass = 0; from < decodings.length; pass++) {
    const part = decodings.slice(from, from + (sizes[pass % sizes.length] ?? 1));
    from += part.length;
    const results = await decode(model, part);
    for (const [index, golden] of part.entries()) {
      const {
        tokens,
        text,
        language,
        logProbability,
        noSpeechProbability,
        finished,
        words: timed,
      } = results[index] ?? missing();
      const name = JSON.stringify({ ...golden, tokens: undefined, words: undefined, text: undefined });
      expect(tokens, name).toEqual(golden.tokens);
      expect(text, name).toBe(golden.text);
      expect(language, name).toBe(model.vocabulary.multilingual ? golden.heard : "en");
      expect(logProbability, name).toBeCloseTo(golden.logProbability, 4);
      expect(Math.abs(noSpeechProbability / golden.noSpeech - 1), name).toBeLessThan(1e-3);
      expect(finished, name).toBe(golden.tokens.length < golden.budget);
      if (words && golden.words !== undefined) {
        expect(
          timed.map(({ text, start, end }) => [text, start, end]),
          name,
        ).toEqual(golden.words);
      }
    }
  }
}

function missing(): never {
  throw new Error("a row has no result");
}

function expectNear(values: Float32Array, packed: Packed, tolerance: number, name: string): void {
  let largest = 0;
  for (const [index, value] of unpacked(packed).entries()) {
    largest = Math.max(largest, Math.abs((values[index * packed.step] ?? Number.NaN) - value));
  }
  expect(largest, name).toBeLessThan(tolerance);
}

// Some of the golden outputs: all of them take a minute (EVERY=1).
const every = Number(process.env.EVERY ?? 3);

describe.each(tinyModels)("%s", (name) => {
  it(
    "hears what the official code hears: features, states, languages",
    () =>
      withModel(name, 1, async (model) => {
        const golden = Object.entries((await readGolden(name)).clips).filter(
          (_, index) => name === "multilingual-80" || index % every === 0,
        );
        const features = golden.map(([clipName]) => model.features(clip(clipName)));
        for (const [index, [clipName, { features: expected, states }]] of golden.entries()) {
          const own = features[index] ?? missing();
          expectNear(own, expected, 1e-4, clipName);
          expectNear(await model.graphs.hear(own), states, 1e-4 * states.largest, clipName);
        }
      }),
    PATIENCE,
  );

  it.each([1, 5])(
    "says what the official code says with %i beams, and when",
    (beams) =>
      withModel(name, beams, async (model) => {
        const { decodings } = await readGolden(name);
        const wanted = decodings.filter(({ beam }) => beam === beams).filter((_, index) => index % every === 0);
        // Languages, contexts and timestamps of all kinds are in one pass.
        await expectGolden(model, wanted, [16, 5, 2, 1]);
      }),
    PATIENCE,
  );
});

describe("a padded batch", () => {
  it(
    "is its rows alone, whatever their lengths, prompts and languages",
    () =>
      withModel("multilingual-80", 5, async (model) => {
        model.section.maxTokens = 24;
        const wanted = (await readGolden("multilingual-80")).decodings.filter(({ beam }) => beam === 5);
        const rows = wanted.slice(4, 9);
        expect(new Set(rows.map(({ clip }) => clip)).size).toBeGreaterThan(2);
        const together = await decode(model, rows);
        for (const [index, row] of rows.entries()) {
          const [alone = missing()] = await decode(model, [row]);
          const { logProbability, noSpeechProbability, ...same } = together[index] ?? missing();
          expect(alone).toMatchObject(same);
          expect(alone.logProbability).toBeCloseTo(logProbability, 5);
          expect(alone.noSpeechProbability / noSpeechProbability).toBeCloseTo(1, 4);
        }
      }),
    PATIENCE,
  );
});

describe.each([
  ["split", 1],
  ["merged", 5],
] as const)("optimum's layout, %s", (kind, beams) => {
  it(
    `says the same with ${beams} beams`,
    () =>
      withModel(kind, beams, async (model) => {
        model.section.temperatures = [0];
        const { decodings } = await readGolden("multilingual-80");
        const wanted = decodings.filter(({ beam }) => beam === beams).filter((_, index) => index % 11 === 3);
        // Only the merged graphs of the fixture tell their cross attention.
        await expectGolden(model, wanted, [3, 2], kind === "merged");
      }),
    PATIENCE,
  );
});
