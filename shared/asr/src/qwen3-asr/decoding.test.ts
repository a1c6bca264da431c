/** Ways of decoding against the official tokens: alone, side by side, in parts, joining, in the graph. */
import { join } from "node:path";
import { someOf } from "@parlance/contracts/testing";
import {
  createSampler,
  createStepBatch,
  type Decoded,
  type Decoder,
  type DecodingRow,
  decodeAll,
  loadEmbeddings,
  openDecoderGraph,
  type PromptRow,
  type Tensors,
} from "@parlance/generation";
import { integerOutput } from "@parlance/inference";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPrompt, vectorInputs } from "./prompt/prompt.ts";
import { fixturePath, readGolden } from "./testing/golden.ts";
import { cache, expected, hidden, noWay, openSmallParts, type SmallParts, session } from "./testing/small-parts.ts";

const golden = readGolden();
let parts: SmallParts;
let stepwise: Decoder;
let looped: Decoder;
/** What every row says when it is decoded alone. */
const alone: Decoded[] = [];

beforeAll(async () => {
  parts = await openSmallParts();
  stepwise = await parts.openStepwise();
  looped = await parts.openLooped();
  for (const row of golden.rows) alone.push(...(await decodeAll(stepwise, [parts.promptRow(row)])));
});
afterAll(async () => {
  for (const part of [parts, stepwise, looped]) await part.close();
});

async function yieldsOf(decoder: Decoder, prompts: readonly PromptRow[]) {
  let length = 0;
  const decoded = await decodeAll(decoder, prompts, async () => void length++);
  return { decoded, length };
}

function said({ tokens, truncated }: { tokens: number[]; truncated: boolean }) {
  return { tokens, truncated };
}

describe("decoding, against the official implementation", () => {
  it("says the same tokens, row by row", () => {
    expect(alone.map(said)).toEqual(golden.rows.map(expected));
  });

  it.each(someOf([5, 2, 16, golden.rows.length], 2))("says the same tokens in ragged batches of %i", async (size) => {
    for (let from = 0; from + size <= golden.rows.length; from += size) {
      const rows = golden.rows.slice(from, from + size);
      expect((await decodeAll(stepwise, rows.map(parts.promptRow))).map(said)).toEqual(rows.map(expected));
    }
  });

  it.each(someOf([7, 1, 64], 3))(
    "says the same tokens when prompts are read %i places at a time",
    async (placesPerRun) => {
      const decoder = await parts.openStepwise({ placesPerRun });
      const rows = golden.rows.slice(0, 8);
      expect((await decodeAll(decoder, rows.map(parts.promptRow))).map(said)).toEqual(rows.map(expected));
      await decoder.close();
    },
  );

  it("says the same tokens when rows join as others end, in far fewer steps than batch by batch", async () => {
    const places = 4;
    const decoder = await parts.openStepwise({ placesPerRun: 512, mostRows: places });
    /** Yield points of a run, which a prompt has one of and a step has one of. */
    const { length: ofPrompt } = await yieldsOf(
      decoder,
      golden.rows.slice(0, 1).map((row) => ({ ...parts.promptRow(row), budget: 1 })),
    );
    const steps = async (prompts: readonly PromptRow[]) => {
      const { decoded, length } = await yieldsOf(decoder, prompts);
      return { decoded, steps: length / ofPrompt - prompts.length };
    };
    // Shuffled by a fixed rule: short and long ones are mixed, as they come.
    const rows = golden.rows
      .map((_, at) => golden.rows[(at * 7) % golden.rows.length])
      .filter((row) => row !== undefined);
    const together = await steps(rows.map(parts.promptRow));
    expect(together.decoded.map(said)).toEqual(rows.map(expected));
    let apart = 0;
    for (let from = 0; from < rows.length; from += places) {
      apart += (await steps(rows.slice(from, from + places).map(parts.promptRow))).steps;
    }
    expect(together.steps).toBeLessThan(0.8 * apart);
    await decoder.close();
  });

  it("says the same tokens when each step is fed the token's embedding in place of the token", async () => {
    const { endTokens, padToken } = parts.tokenizer;
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
      graph: join(fixturePath("model"), "decoder.onnx"),
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
      [...rows.entries()].map(([row, one]) => ({ row, prompt: parts.promptRow(one) })),
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
    const decoder = await parts.openLooped({ mostRows: 3, tokensPerRun: 9 });
    const rows = golden.rows.slice(0, 8);
    let runs = 0;
    const decoded = await decodeAll(decoder, rows.map(parts.promptRow), async () => void runs++);
    expect(decoded.map(said)).toEqual(rows.map(expected));
    expect(runs).toBeGreaterThan(8);
    await decoder.close();
  });

  it.each(someOf([5, 1, 16], 3))("says the same tokens with the loop in the graph, in batches of %i", async (size) => {
    for (let from = 0; from + size <= 16; from += size) {
      const rows = golden.rows.slice(from, from + size);
      expect((await decodeAll(looped, rows.map(parts.promptRow))).map(said)).toEqual(rows.map(expected));
    }
  });

  it("gives the same scores stepwise, looped, alone and together", async () => {
    const rows = golden.rows.map(parts.promptRow);
    const together = await decodeAll(stepwise, rows);
    const inGraph = await decodeAll(looped, rows);
    for (const [index, { score }] of alone.entries()) {
      expect(score).toBeLessThan(0);
      expect(together[index]?.score).toBeCloseTo(score, 4);
      expect(inGraph[index]?.score).toBeCloseTo(score, 4);
    }
    for (const [index, { tokens, logProbabilities, score, truncated }] of alone.entries()) {
      expect(logProbabilities).toHaveLength(tokens.length);
      for (const [place, logProbability] of logProbabilities.entries()) {
        expect(inGraph[index]?.logProbabilities[place]).toBeCloseTo(logProbability, 3);
      }
      const sum = logProbabilities.reduce((total, each) => total + each, 0);
      if (truncated) expect(sum / tokens.length).toBeCloseTo(score, 6);
      else expect(sum).toBeGreaterThan(score * (tokens.length + 1));
    }
  });

  describe("of rows that are sampled", () => {
    const rows = golden.rows.slice(0, 4);
    const seeded = (row: number, temperature = 1) => createSampler({ temperature }, 100 + row);
    /** With samplers for some of the rows: the others are greedy. */
    async function sampled(which: readonly number[], numbers: readonly number[], temperature = 1): Promise<Decoded[]> {
      const waiting = numbers.map((row): DecodingRow => {
        const [prompt] = rows.slice(row, row + 1).map(parts.promptRow);
        if (prompt === undefined) throw new RangeError(`there is no row ${row}`);
        return { row, prompt, sampler: which.includes(row) ? seeded(row, temperature) : undefined };
      });
      const answers = new Map<number, Decoded>();
      await stepwise.decode({
        take: async (places) => waiting.splice(0, places),
        isOpen: (row) => !answers.has(row),
        hear: () => {},
        end: async (row, decoded) => void answers.set(row, decoded),
        giveWay: noWay,
      });
      return numbers.flatMap((row) => answers.get(row) ?? []);
    }

    it("says the same each time, alone and beside others, whose likeliest tokens it leaves alone", async () => {
      expect(stepwise.samples).toBe(true);
      expect(looped.samples).toBe(false);
      const together = await sampled([0, 2], [0, 1, 2, 3]);
      for (const row of rows.keys()) {
        const [again] = await sampled([0, 2], [row]);
        expect(together[row]?.tokens).toEqual(again?.tokens);
        expect(together[row]?.tokens).not.toEqual(row % 2 === 0 ? alone[row]?.tokens : []);
        if (row % 2 === 1)
          expect(said(together[row] ?? { tokens: [], truncated: false })).toEqual(
            said(alone[row] ?? { tokens: [], truncated: true }),
          );
      }
    });

    it("tells the model's own log-probabilities, whatever the temperature", async () => {
      const [one] = await sampled([0], [0], 0.5);
      const prompt = rows.slice(0, 1).map(parts.promptRow)[0];
      if (one === undefined || prompt === undefined) throw new Error("nothing was said");
      const [weighed] = (await stepwise.weigh?.(prompt, [one.tokens], noWay)) ?? [];
      expect(one.logProbabilities.reduce((sum, each) => sum + each, 0)).toBeCloseTo(weighed ?? 0, 2);
    });

    it("says what is greedy where the temperature is almost nothing", async () => {
      const [one] = await sampled([1], [1], 1e-4);
      expect(one?.tokens).toEqual(alone[1]?.tokens);
    });
  });

  it("weighs phrases as the official model does", async () => {
    for (const { clip, language, phrases, scores } of golden.weights) {
      const audio = parts.embeddings.get(clip) ?? new Float32Array();
      const { tokens, vectorsFrom } = buildPrompt(parts.tokenizer, {
        context: "",
        language,
        audioTokens: audio.length / hidden,
      });
      const said = phrases.map((phrase) => [
        ...parts.tokenizer.encode(phrase),
        ...parts.tokenizer.endTokens.slice(0, 1),
      ]);
      const sums = (await stepwise.weigh?.({ tokens, vectors: audio, vectorsFrom, budget: 0 }, said, noWay)) ?? [];
      const total =
        Math.log(sums.reduce((sum, value) => sum + Math.exp(value - Math.max(...sums)), 0)) + Math.max(...sums);
      expect(sums.length).toBe(phrases.length);
      for (const [index, sum] of sums.entries()) expect(sum - total).toBeCloseTo(scores[index] ?? Number.NaN, 3);
    }
  });
});
