import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { someOf } from "@parlance/contracts/testing";
import { runWhole } from "@parlance/inference";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OpenedWhisper } from "./open-whisper.ts";
import { makeClip } from "./testing/clips.ts";
import { alike } from "./testing/result-alike.ts";
import {
  type GoldenDecoding,
  type Packed,
  type PublishedKind,
  readClips,
  readGolden,
  type TinyModel,
  tinyModels,
  unpacked,
  writePublishedModel,
  writeTinyModel,
} from "./testing/tiny-model.ts";
import { openTiny } from "./testing/tiny-transcriber.ts";
import type { WhisperResult } from "./transcriber.ts";

const clips = new Map(Object.entries(await readClips()).map(([name, rule]) => [name, makeClip(rule)]));
const clip = (name: string) => clips.get(name) ?? new Int16Array();
/** Milliseconds: other suites may have the cores. */
const TIMEOUT_MS = 180_000;
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "whisper-"));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

function isPublished(name: TinyModel | PublishedKind): name is PublishedKind {
  return name === "split" || name === "merged" || name === "half";
}

/** Decodes as the recipe did: no second attempts, 64 tokens at most. */
async function withModel<T>(
  name: TinyModel | PublishedKind,
  beams: number,
  use: (model: OpenedWhisper) => Promise<T>,
): Promise<T> {
  const folder = join(root, `${name}-${beams}`);
  if (isPublished(name)) await writePublishedModel(folder, name, 64);
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
  return runWhole(
    model.transcribe,
    decodings.map(({ clip: name, language, timestamps, context, task }) => ({
      samples: clip(name),
      language: language ?? undefined,
      timestamps,
      context: context === undefined ? [] : model.vocabulary.encode(` ${context}`),
      phrases: [],
      translate: task === "translate",
    })),
  );
}

/** In passes of these sizes, over and over, until all have their pass. */
function passes(decodings: readonly GoldenDecoding[], sizes: readonly number[]): GoldenDecoding[][] {
  const parts: GoldenDecoding[][] = [];
  for (let from = 0; from < decodings.length; from += parts.at(-1)?.length ?? 1) {
    parts.push(decodings.slice(from, from + (sizes[parts.length % sizes.length] ?? 1)));
  }
  return parts;
}

async function expectGolden(model: OpenedWhisper, parts: readonly GoldenDecoding[][], words = true) {
  for (const part of parts) {
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
        segments,
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
        ).toEqual(golden.words.map((word) => word.slice(0, 3)));
        for (const [place, [, , , probability]] of golden.words.entries()) {
          // Of the official word: random weights are seldom sure of what they say.
          expect((timed[place]?.probability ?? 0) / probability, `${name}, word ${place}`).toBeCloseTo(1, 2);
        }
        expect(
          segments.map(({ start, end, tokens: said }) => [start, end, said]),
          name,
        ).toEqual(golden.segments);
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

const RAGGED = [16, 5, 2, 1];

describe.each(["multilingual-80", "multilingual-128"] as const)("the official code's answers for %s", (name) => {
  it.each([1, 5])(
    "hold every length, silence, noise and context, in passes of all sizes, with %i beams",
    async (beams) => {
      const rules = Object.entries(await readClips());
      const wanted = (await readGolden(name)).decodings.filter(({ beam }) => beam === beams);
      const said = new Set(wanted.map(({ clip: each }) => each));
      expect(said.size).toBeGreaterThanOrEqual(12);
      const held = rules.filter(([each]) => said.has(each)).map(([, rule]) => rule);
      for (const seconds of [0.4, 1, 7, 8, 20, 30]) {
        expect(held.some(({ kind, samples }) => kind === "voice" && samples === seconds * 16_000)).toBe(true);
      }
      for (const kind of ["silence", "noise"]) expect(held.map((rule) => rule.kind)).toContain(kind);
      expect(wanted.some(({ context }) => context !== undefined)).toBe(true);
      const languages = new Set(wanted.map(({ language }) => language));
      expect(languages.size).toBe(beams === 1 ? 4 : 1);
      expect(passes(wanted, RAGGED).map(({ length }) => length)).toEqual(expect.arrayContaining([2, 5, 16]));
    },
  );
});

describe.each(tinyModels)("%s", (name) => {
  it(
    "hears what the official code hears: features, states, languages",
    () =>
      withModel(name, 1, async (model) => {
        const golden = Object.entries((await readGolden(name)).clips);
        const features = golden.map(([clipName]) => model.features(clip(clipName)));
        for (const [index, [clipName, { features: expected, states }]] of golden.entries()) {
          const own = features[index] ?? missing();
          expectNear(own, expected, 1e-4, clipName);
          expectNear(await model.graphs.hear(own), states, 1e-4 * states.largest, clipName);
        }
      }),
    TIMEOUT_MS,
  );

  it.each(name === "multilingual-80" ? [1, 5] : someOf([1, 5], 2))(
    "says what the official code says with %i beams, and when",
    (beams) =>
      withModel(name, beams, async (model) => {
        const { decodings } = await readGolden(name);
        const wanted = someOf(
          decodings.filter(({ beam }) => beam === beams),
          name === "multilingual-128" ? 12 : 5,
        );
        // Languages, contexts and timestamps of all kinds are in one pass.
        await expectGolden(model, passes(wanted, RAGGED));
      }),
    TIMEOUT_MS,
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
          const beside = together[index] ?? missing();
          expect(alone).toEqual(alike(beside, expect));
          expect(alone.noSpeechProbability / beside.noSpeechProbability).toBeCloseTo(1, 4);
        }
      }),
    TIMEOUT_MS,
  );
});

describe("a manifest that says how much a second of audio may come to", () => {
  it(
    "ends a text at what its row's length allows",
    () =>
      withModel("multilingual-80", 1, async (model) => {
        model.section.tokensPerSecond = 2;
        model.section.spareTokens = 3;
        const wanted = (await readGolden("multilingual-80")).decodings.filter(({ beam }) => beam === 1).slice(4, 9);
        const found = await decode(model, wanted);
        const allowed = wanted.map((each) => Math.ceil((2 * clip(each.clip).length) / 16_000) + 3);
        expect(found.map(({ tokens }, row) => tokens.length <= (allowed[row] ?? 0))).toEqual(wanted.map(() => true));
        expect(found.some(({ tokens, finished }, row) => !finished && tokens.length === allowed[row])).toBe(true);
      }),
    TIMEOUT_MS,
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
        const some = decodings.filter(({ beam }) => beam === beams).filter((_, index) => index % 11 === 3);
        const wanted = someOf(some, 2);
        // Only the merged graphs of the fixture tell their cross attention.
        await expectGolden(model, passes(wanted, [3, 2]), kind === "merged");
      }),
    TIMEOUT_MS,
  );
});

describe("optimum's layout in float16, inputs and outputs too", () => {
  // Clips of which the official float32 model is sure: rounding does not turn its choices.
  const sure = ["voice-7", "voice-12.345", "voice-20"];
  it.each(someOf([1, 5], 2))(
    "says the same with %i beams, from states that are as near as halves can be",
    (beams) =>
      withModel("half", beams, async (model) => {
        expect(model.graphs.computeType).toBe("float16");
        model.section.temperatures = [0];
        const golden = await readGolden("multilingual-80");
        for (const name of sure) {
          const states = golden.clips[name]?.states ?? missing();
          const heard = await model.graphs.hear(model.features(clip(name)));
          expectNear(heard, states, 5e-3 * states.largest, name);
        }
        const wanted = golden.decodings.filter(
          ({ clip: name, beam, timestamps, context }) =>
            sure.includes(name) && beam === beams && timestamps && context === undefined,
        );
        const results = await decode(model, wanted);
        for (const [index, { tokens, logProbability }] of wanted.entries()) {
          expect(results[index]?.tokens).toEqual(tokens);
          expect(results[index]?.logProbability).toBeCloseTo(logProbability, 1);
        }
      }),
    TIMEOUT_MS,
  );
});
