import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { someOf, thorough } from "@parlance/contracts/testing";
import { runWhole } from "@parlance/inference";
import { resolveModel } from "@parlance/model-store";
import { describe, expect, it } from "vitest";
import type { WhisperSection } from "../manifest-section.ts";
import { openWhisper } from "../open-whisper.ts";
import { makeClip } from "../testing/clips.ts";
import { alike } from "../testing/result-alike.ts";
import { type GoldenDecoding, readClips, readGolden, type TinyModel, writeTinyModel } from "../testing/tiny-model.ts";
import { createTranscriber, type Transcriber, type WhisperRow } from "../transcriber.ts";
import { openLoopGraphs, prefersLoop } from "./loop-graphs.ts";

const clips = new Map(Object.entries(await readClips()).map(([name, rule]) => [name, makeClip(rule)]));
/** Milliseconds: other suites may have the cores. */
const TIMEOUT_MS = 180_000;

interface Ways {
  /** Every token a run. */
  stepwise: Transcriber;
  looped: Transcriber;
  encode(text: string): number[];
  section: WhisperSection;
}

interface Model {
  name: TinyModel;
  beamSize?: number;
  /** Of a text. Default: as many as the official code's texts have. */
  maxTokens?: number;
  tokensPerRun?: number;
}

/** For texts that are compared with no official one. */
const maxTokens = thorough ? 64 : 20;

/** The same small model on the CPU in both ways. */
async function withModel(
  { name, beamSize = 1, tokensPerRun, ...change }: Model,
  use: (ways: Ways) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "whisper-loop-"));
  await writeTinyModel(root, name, change, { loop: true });
  const options = {
    modelId: root,
    device: "cpu",
    computeType: "float32",
    threads: 1,
    beamSize,
    log: () => {},
  } as const;
  const context = { ...(await resolveModel(options)), options, device: { provider: "cpu", deviceId: 0 } } as const;
  const opened = await openWhisper(context);
  const { section, vocabulary } = opened;
  const { control } = vocabulary;
  const graphs = await openLoopGraphs({
    context,
    section,
    words: control.endOfText,
    control,
    ...(tokensPerRun && { tokensPerRun }),
  });
  try {
    await use({
      stepwise: createTranscriber(opened),
      looped: createTranscriber({ ...opened, graphs }),
      encode: vocabulary.encode,
      section,
    });
  } finally {
    await graphs.close();
    await opened.graphs.close();
    await rm(root, { recursive: true });
  }
}

function rowOf({ clip, language, timestamps, context, task }: GoldenDecoding, encode: Ways["encode"]): WhisperRow {
  return {
    samples: clips.get(clip) ?? new Int16Array(),
    language: language ?? undefined,
    timestamps,
    context: context === undefined ? [] : encode(` ${context}`),
    phrases: [],
    translate: task === "translate",
  };
}

function missing(): never {
  throw new Error("a row has no result");
}

describe("a text that is decoded in one run", () => {
  it.each([
    ["multilingual-80", 7, 2, 5],
    ["english-80", 4, 1, 3],
  ] as const)(
    "is what the official code says, and what a run for every token says, in ragged passes: %s",
    (name, size, every, some) =>
      withModel({ name }, async ({ stepwise, looped, encode }) => {
        const { decodings } = await readGolden(name);
        const greedy = someOf(
          decodings.filter(({ beam }) => beam === 1).filter((_, index) => index % every === 0),
          some,
        );
        expect(greedy.some(({ timestamps }) => timestamps) && greedy.some(({ timestamps }) => !timestamps)).toBe(true);
        for (let from = 0; from < greedy.length; from += size) {
          const part = greedy.slice(from, from + size);
          const rows = part.map((golden) => rowOf(golden, encode));
          const results = await runWhole(looped, rows);
          const others = await runWhole(stepwise, rows);
          for (const [index, golden] of part.entries()) {
            const name = JSON.stringify({ ...golden, tokens: undefined, words: undefined, text: undefined });
            const [result, other] = [results[index] ?? missing(), others[index] ?? missing()];
            expect(result.tokens, name).toEqual(golden.tokens);
            expect(result, name).toEqual(alike(other, expect));
            expect(result.noSpeechProbability / other.noSpeechProbability, name).toBeCloseTo(1, 3);
          }
        }
      }),
    TIMEOUT_MS,
  );

  it.each(someOf([2, 1, 7], 3))(
    "is the same in runs of %i tokens, of which each begins where the last ended",
    (tokensPerRun) =>
      withModel({ name: "multilingual-80", tokensPerRun, maxTokens }, async ({ stepwise, looped, encode }) => {
        const { decodings } = await readGolden("multilingual-80");
        const greedy = decodings.filter(
          ({ beam, context }, index) => beam === 1 && (context !== undefined || index % 3 === 0),
        );
        const rows = greedy.slice(0, 6).map((golden) => rowOf(golden, encode));
        expect(rows.some(({ timestamps }) => timestamps) && rows.some(({ timestamps }) => !timestamps)).toBe(true);
        const results = await runWhole(looped, rows);
        const others = await runWhole(stepwise, rows);
        expect(results).toEqual(others.map((other) => alike(other, expect)));
        for (const [index, { noSpeechProbability }] of results.entries()) {
          expect(noSpeechProbability / (others[index]?.noSpeechProbability ?? 0)).toBeCloseTo(1, 3);
        }
      }),
    TIMEOUT_MS,
  );

  it(
    "stands beside rows that go token by token: phrases of a pass, and beams",
    async () => {
      const { decodings } = await readGolden("multilingual-80");
      for (const beamSize of [1, 5]) {
        await withModel({ name: "multilingual-80", beamSize, maxTokens }, async ({ stepwise, looped, encode }) => {
          const [a, b, c] = decodings
            .filter(({ beam, timestamps }) => beam === beamSize && !timestamps)
            .map((golden) => rowOf(golden, encode));
          if (a === undefined || b === undefined || c === undefined) throw new Error("the fixture has no such rows");
          const rows = [a, { ...b, phrases: ["yes", "no"] }, c];
          const texts = async (transcribe: Transcriber) =>
            (await runWhole(transcribe, rows)).map(({ tokens }) => tokens);
          expect(await texts(looped)).toEqual(await texts(stepwise));
        });
      }
    },
    TIMEOUT_MS,
  );

  it(
    "falls back for the same rows, whose sampling goes token by token",
    () =>
      withModel({ name: "multilingual-80", maxTokens }, async ({ stepwise, looped, encode, section }) => {
        const { decodings } = await readGolden("multilingual-80");
        const rows = decodings
          .filter(({ beam }) => beam === 1)
          .slice(0, 6)
          .map((golden) => rowOf(golden, encode));
        const scores = (await runWhole(stepwise, rows))
          .map(({ logProbability }) => logProbability)
          .toSorted((a, b) => a - b);
        // Between the rows' own scores, so that half of them are guesses.
        section.logProbabilityThreshold = ((scores[2] ?? 0) + (scores[3] ?? 0)) / 2;
        Object.assign(section, { noSpeechThreshold: 1, compressionRatioThreshold: 100 });
        section.temperatures = thorough ? [0, 0.4, 0.8] : [0, 0.8];
        const texts = async (transcribe: Transcriber) =>
          (await runWhole(transcribe, rows)).map(({ tokens, temperature, words }) => ({
            ...{ tokens, temperature },
            words: words.map(({ text, start, end }) => [text, start, end]),
          }));
        const expected = await texts(stepwise);
        expect(new Set(expected.map(({ temperature }) => temperature)).size).toBeGreaterThan(1);
        expect(await texts(looped)).toEqual(expected);
      }),
    TIMEOUT_MS,
  );

  it("is for CUDA, where the folder has the graph in the wanted format", () => {
    const prefers = (role: string, provider: "cpu" | "cuda", computeType: "auto" | "int8" | "float16") =>
      prefersLoop({
        manifest: { files: { [role]: { path: "loop.onnx", bytes: 1 } } },
        device: { provider },
        options: { computeType },
      });
    expect(prefers("loop.float16", "cuda", "auto")).toBe(true);
    expect(prefers("loop.float16", "cuda", "float16")).toBe(true);
    expect(prefers("loop", "cuda", "float16")).toBe(false);
    expect(prefers("loop", "cuda", "int8")).toBe(false);
    expect(prefers("loop", "cpu", "auto")).toBe(false);
    expect(prefers("decoder", "cuda", "auto")).toBe(false);
  });
});
