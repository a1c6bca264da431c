/** Against the official implementation: a small model with random weights, outputs made by models/recipes/qwen3-asr. */
import { join } from "node:path";
import {
  createLoopDecoder,
  createStepBatch,
  createStepDecoder,
  type Decoded,
  type Decoder,
  decodeAll,
  loadEmbeddings,
  openDecoderGraph,
  type PromptRow,
  type StepDecoderOptions,
  type Tensors,
} from "@parlance/generation";
import { integerOutput } from "@parlance/inference";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogMel } from "../features/log-mel.ts";
import { type AudioEncoder, createAudioEncoder } from "./audio/audio-encoder.ts";
import { tokenCount } from "./audio/windows.ts";
import { buildPrompt, vectorInputs } from "./prompt/prompt.ts";
import { loadTokenizer, type PromptTokenizer } from "./prompt/prompt-tokenizer.ts";
import { parseOutput } from "./prompt/spoken-output.ts";
import {
  fixturePath,
  type GoldenRow,
  goldenClips,
  largestDifference,
  readGolden,
  relativeDifference,
} from "./testing/golden.ts";
import { tokenBudget } from "./transcribe-pass.ts";

const golden = readGolden();
const clips = goldenClips(golden);
const folder = fixturePath("model");
const hidden = 32;
const cache = { layers: 2, heads: 2, size: 16 };
const noWay = async () => {};
const session = { device: { provider: "cpu", deviceId: 0 }, threads: 1 } as const;

let encoder: AudioEncoder;
let tokenizer: PromptTokenizer;
let stepwise: Decoder;
let looped: Decoder;
let embeddings: Map<string, Float32Array>;
/** What every row says when it is decoded alone. */
const alone: Decoded[] = [];

beforeAll(async () => {
  tokenizer = await loadTokenizer(join(folder, "tokenizer.json"));
  encoder = await createAudioEncoder({ ...session, graph: join(folder, "encoder.onnx"), hidden });
  stepwise = await openStepwise();
  const { endTokens, padToken } = tokenizer;
  const common = { ...session, hidden, endTokens, padToken, vectorInputs, mostRows: 16 };
  looped = await createLoopDecoder({ ...common, graph: join(folder, "loop.onnx") });
  const encoded = await encoder.encode([...clips.values()], noWay);
  embeddings = new Map([...clips.keys()].map((name, index) => [name, encoded[index] ?? new Float32Array()]));
  for (const row of golden.rows) alone.push(...(await decodeAll(stepwise, [promptRow(row)])));
});
afterAll(async () => {
  for (const part of [encoder, stepwise, looped]) await part.close();
});

async function openStepwise(change: Partial<StepDecoderOptions> = {}): Promise<Decoder> {
  const { endTokens, padToken } = tokenizer;
  const common = { ...session, hidden, endTokens, padToken, vectorInputs, mostRows: 16 };
  return await createStepDecoder({ ...common, graph: join(folder, "decoder.onnx"), cache, ...change });
}

function promptRow({ clip, context, language }: GoldenRow): PromptRow {
  const audio = embeddings.get(clip) ?? new Float32Array();
  const audioTokens = audio.length / hidden;
  const { tokens, vectorsFrom } = buildPrompt(tokenizer, { context, language: language ?? undefined, audioTokens });
  return {
    tokens,
    vectors: audio,
    vectorsFrom,
    budget: tokenBudget(clips.get(clip)?.length ?? 0, { tokensPerSecond: 15, spareTokens: 64 }),
  };
}

async function yieldsOf(decoder: Decoder, prompts: readonly PromptRow[]) {
  let length = 0;
  const decoded = await decodeAll(decoder, prompts, async () => void length++);
  return { decoded, length };
}

/** What the official rows say, without the end token. */
function expected(row: GoldenRow) {
  return { tokens: row.truncated ? row.tokens : row.tokens.slice(0, -1), truncated: row.truncated };
}

function said({ tokens, truncated }: { tokens: number[]; truncated: boolean }) {
  return { tokens, truncated };
}

describe("the clips", () => {
  it("are those of the recipe, sample by sample", () => {
    for (const [name, clip] of clips) {
      expect(clip.reduce((sum, sample) => sum + Math.abs(sample), 0)).toBe(golden.checks[name]);
    }
  });
});

describe("the official answers", () => {
  it("hold every length, silence, noise, forced languages and contexts, in more than 16 rows of unequal prompts", () => {
    const said = golden.rows.map(({ clip }) => clips.get(clip)?.length ?? 0);
    for (const seconds of [0.4, 1, 7, 8, 20, 30]) expect(said).toContain(seconds * 16_000);
    expect(new Set(golden.rows.map(({ clip }) => golden.clips[clip]?.[0]))).toEqual(
      new Set(["voice", "silence", "noise"]),
    );
    expect(golden.rows.filter(({ features }) => features !== undefined).length).toBeGreaterThanOrEqual(12);
    expect(new Set(golden.rows.map(({ language }) => language)).size).toBeGreaterThan(4);
    expect(golden.rows.filter(({ context }) => context !== "").length).toBeGreaterThan(3);
    expect(new Set(golden.rows.slice(0, 16).map(({ prompt }) => prompt.length)).size).toBeGreaterThan(12);
    expect(golden.rows.length).toBeGreaterThan(16);
  });
});

describe("against the official implementation", () => {
  const rowsOfClips = golden.rows.filter(({ features }) => features !== undefined);

  it.each(rowsOfClips)(
    "$clip: features within 1e-4, encoder outputs within 1e-4 of the largest",
    ({ clip, features, embeddings: outputs }) => {
      const samples = Float32Array.from(clips.get(clip) ?? [], (sample) => sample / 32_768);
      const made = createLogMel(128)(samples);
      expect([128, made.frames]).toEqual(features?.shape);
      if (features !== undefined) expect(largestDifference(made.data, features)).toBeLessThan(1e-4);
      const ours = embeddings.get(clip) ?? new Float32Array();
      expect([ours.length / hidden, hidden]).toEqual(outputs?.shape);
      expect(tokenCount(made.frames)).toBe(outputs?.shape[0]);
      if (outputs !== undefined) expect(relativeDifference(ours, outputs)).toBeLessThan(1e-4);
    },
  );

  it("encodes a clip among others as it does alone", async () => {
    for (const name of ["0.4 s", "8.5 s", "20 s"]) {
      const [own = new Float32Array()] = await encoder.encode([clips.get(name) ?? new Int16Array()], noWay);
      const together = embeddings.get(name) ?? new Float32Array();
      expect(own.length).toBe(together.length);
      expect(largestDifference(own, { step: 1, data: together })).toBeLessThan(1e-5);
    }
  });

  it("writes the same prompts, with context and forced language", () => {
    for (const row of golden.rows) {
      expect(promptRow(row).tokens).toEqual(row.prompt);
      expect(promptRow(row).budget).toBe(row.budget);
    }
  });

  it("says the same tokens, row by row", () => {
    expect(alone.map(said)).toEqual(golden.rows.map(expected));
  });

  it.each([2, 5, 16, golden.rows.length])("says the same tokens in ragged batches of %i", async (size) => {
    for (let from = 0; from + size <= golden.rows.length; from += size) {
      const rows = golden.rows.slice(from, from + size);
      expect((await decodeAll(stepwise, rows.map(promptRow))).map(said)).toEqual(rows.map(expected));
    }
  });

  it.each([1, 7, 64])("says the same tokens when prompts are read %i places at a time", async (placesPerRun) => {
    const decoder = await openStepwise({ placesPerRun });
    const rows = golden.rows.slice(0, 8);
    expect((await decodeAll(decoder, rows.map(promptRow))).map(said)).toEqual(rows.map(expected));
    await decoder.close();
  });

  it("says the same tokens when rows join as others end, in far fewer steps than batch by batch", async () => {
    const places = 4;
    const decoder = await openStepwise({ placesPerRun: 512, mostRows: places });
    /** Yield points of a run, which a prompt has one of and a step has one of. */
    const { length: ofPrompt } = await yieldsOf(
      decoder,
      golden.rows.slice(0, 1).map((row) => ({ ...promptRow(row), budget: 1 })),
    );
    const steps = async (prompts: readonly PromptRow[]) => {
      const { decoded, length } = await yieldsOf(decoder, prompts);
      return { decoded, steps: length / ofPrompt - prompts.length };
    };
    // Shuffled by a fixed rule: short and long ones are mixed, as they come.
    const rows = golden.rows
      .map((_, at) => golden.rows[(at * 7) % golden.rows.length])
      .filter((row) => row !== undefined);
    const together = await steps(rows.map(promptRow));
    expect(together.decoded.map(said)).toEqual(rows.map(expected));
    let apart = 0;
    for (let from = 0; from < rows.length; from += places) {
      apart += (await steps(rows.slice(from, from + places).map(promptRow))).steps;
    }
    expect(together.steps).toBeLessThan(0.8 * apart);
    await decoder.close();
  });

  it("says the same tokens when each step is fed the token's embedding in place of the token", async () => {
    const { endTokens, padToken } = tokenizer;
    const table = await loadEmbeddings(join(fixturePath("merged"), "embed_tokens.bin"), 600, hidden);
    const embed = (token: number) => {
      const vector = new Float32Array(hidden);
      table.write(token, vector, 0);
      return vector;
    };
    const graph = await openDecoderGraph({
      ...session,
      hidden,
      padToken,
      vectorInputs,
      graph: join(folder, "decoder.onnx"),
      cache,
    });
    const read = (outputs: Tensors, row: number) => integerOutput(outputs, "token")[row] ?? padToken;
    const batch = createStepBatch({ graph, padToken, read, giveWay: noWay });
    const rows = golden.rows.slice(0, 3);
    const tokens: number[][] = rows.map(() => []);
    const hear = (row: number, token: number) => {
      if (endTokens.includes(token) || tokens[row]?.length === 30) batch.leave(row);
      else tokens[row]?.push(token);
    };
    await batch.join(
      [...rows.entries()].map(([row, one]) => ({ row, prompt: promptRow(one) })),
      hear,
    );
    while (batch.rows.length > 0) {
      // Of the rows those that are even: both kinds stand in one run.
      const input = (row: number) => {
        const token = tokens[row]?.at(-1) ?? padToken;
        return row % 2 === 0 ? { token: padToken, vector: embed(token) } : { token };
      };
      for (const [row, token] of await batch.step(input, 30)) hear(row, token);
    }
    batch.close();
    await graph.close();
    expect(tokens).toEqual(rows.map((row) => expected(row).tokens.slice(0, 30)));
  });

  it("says the same tokens with the loop in the graph, cut into runs that others join", async () => {
    const { endTokens, padToken } = tokenizer;
    const common = { ...session, hidden, endTokens, padToken, vectorInputs, graph: join(folder, "loop.onnx") };
    const decoder = await createLoopDecoder({ ...common, mostRows: 3, tokensPerRun: 9 });
    const rows = golden.rows.slice(0, 8);
    let runs = 0;
    const decoded = await decodeAll(decoder, rows.map(promptRow), async () => void runs++);
    expect(decoded.map(said)).toEqual(rows.map(expected));
    expect(runs).toBeGreaterThan(8);
    await decoder.close();
  });

  it.each([1, 5, 16])("says the same tokens with the loop in the graph, in batches of %i", async (size) => {
    for (let from = 0; from + size <= 16; from += size) {
      const rows = golden.rows.slice(from, from + size);
      expect((await decodeAll(looped, rows.map(promptRow))).map(said)).toEqual(rows.map(expected));
    }
  });

  it("gives the same scores stepwise, looped, alone and together", async () => {
    const rows = golden.rows.map(promptRow);
    const together = await decodeAll(stepwise, rows);
    const inGraph = await decodeAll(looped, rows);
    for (const [index, { score }] of alone.entries()) {
      expect(score).toBeLessThan(0);
      expect(together[index]?.score).toBeCloseTo(score, 4);
      expect(inGraph[index]?.score).toBeCloseTo(score, 4);
    }
  });

  it("weighs phrases as the official model does", async () => {
    for (const { clip, language, phrases, scores } of golden.weights) {
      const audio = embeddings.get(clip) ?? new Float32Array();
      const { tokens, vectorsFrom } = buildPrompt(tokenizer, {
        context: "",
        language,
        audioTokens: audio.length / hidden,
      });
      const said = phrases.map((phrase) => [...tokenizer.encode(phrase), ...tokenizer.endTokens.slice(0, 1)]);
      const sums = (await stepwise.weigh?.({ tokens, vectors: audio, vectorsFrom, budget: 0 }, said, noWay)) ?? [];
      const total =
        Math.log(sums.reduce((sum, value) => sum + Math.exp(value - Math.max(...sums)), 0)) + Math.max(...sums);
      expect(sums.length).toBe(phrases.length);
      for (const [index, sum] of sums.entries()) expect(sum - total).toBeCloseTo(scores[index] ?? Number.NaN, 3);
    }
  });

  it("reads the same text and language out of the tokens", () => {
    for (const row of golden.rows) {
      const raw = tokenizer.decode(expected(row).tokens);
      expect(raw).toBe(row.raw);
      const { language, text } = parseOutput(raw, row.language ?? undefined);
      expect([language, text]).toEqual(row.answer);
    }
  });
});
