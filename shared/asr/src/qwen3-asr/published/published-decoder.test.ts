import { join } from "node:path";
import { SpeechError } from "@parlance/contracts";
import { type Decoded, decodeAll, loadEmbeddings, type PromptRow } from "@parlance/generation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadTokenizer } from "../prompt/prompt-tokenizer.ts";
import { fixturePath } from "../testing/golden.ts";
import { decodeWith } from "./published-decoder.ts";
import { openPublishedGraphs, type PublishedGraphs, type Said } from "./published-graphs.ts";

const hidden = 32;
const cache = { layers: 2, heads: 2, size: 16 };
const session = { device: { provider: "cpu", deviceId: 0 }, threads: 1 } as const;
const layouts = ["split", "merged"] as const;

let endTokens: readonly number[];
const opened = new Map<string, PublishedGraphs>();
beforeAll(async () => {
  for (const layout of layouts) {
    const folder = fixturePath(layout);
    endTokens = (await loadTokenizer(join(folder, "tokenizer.json"))).endTokens;
    const file = (name: string) => join(folder, `${name}.onnx`);
    const graphs =
      layout === "merged"
        ? { merged: file("decoder_merged") }
        : { init: file("decoder_init"), step: file("decoder_step") };
    const embeddings = await loadEmbeddings(join(folder, "embed_tokens.bin"), 600, hidden);
    opened.set(layout, await openPublishedGraphs({ ...session, graphs, hidden, cache, embeddings }));
  }
});
afterAll(async () => {
  for (const graphs of opened.values()) await graphs.close();
});

/** A made-up clip: what it sounds like does not matter here. */
function promptRow(seed: number, places: number, budget = 24): PromptRow {
  const audio = Float32Array.from({ length: 5 * hidden }, (_, index) => Math.sin(seed * 7.3 + index * (1 + seed / 9)));
  const tokens = Array.from({ length: places }, (_, place) => (seed * 31 + place * 17) % 500);
  return { tokens, vectors: audio, vectorsFrom: 3, budget };
}
/** Five prompts are equally long. */
const rows = [promptRow(1, 14), promptRow(2, 20), promptRow(3, 14), promptRow(4, 14, 9), promptRow(5, 17)].concat([
  ...[promptRow(6, 14), promptRow(7, 14, 40), promptRow(8, 17)],
]);
const noWay = async () => {};
const rounded = ({ tokens, score, truncated }: Decoded) => ({ tokens, score: score.toFixed(4), truncated });

/** Graphs that note how many rows each of their steps has, and may answer something else. */
function watched(layout: string, change: Partial<PublishedGraphs> = {}) {
  const graphs = opened.get(layout);
  if (graphs === undefined) throw new RangeError(layout);
  const [runs, logged]: [number[], string[]] = [[], []];
  const take: PublishedGraphs["take"] = (tokens, position, past) => {
    runs.push(tokens.length);
    return (change.take ?? graphs.take)(tokens, position, past);
  };
  const decoder = decodeWith({ ...graphs, ...change, take }, { cache, endTokens, log: (text) => logged.push(text) });
  return { decoder, runs, logged };
}

async function decodeAlone(layout: string) {
  const { decoder } = watched(layout, { shared: false });
  return (await decodeAll(decoder, rows)).map(rounded);
}

describe.each(layouts)("decoding with graphs of the %s layout", (layout) => {
  it("takes rows with equally long prompts together, and each says what it says alone", async () => {
    const { decoder, runs, logged } = watched(layout);
    const alone = await decodeAlone(layout);
    expect(new Set(alone.map(({ tokens }) => tokens.join())).size).toBe(rows.length);
    expect((await decodeAll(decoder, rows)).map(rounded)).toEqual(alone);
    expect(logged).toEqual([]);
    // The first shared run is seen to be right; then nothing is run twice.
    expect(runs.slice(0, 6)).toEqual([1, 1, 1, 1, 1, 5]);
    const steps = runs.length;
    expect((await decodeAll(decoder, rows)).map(rounded)).toEqual(alone);
    expect(runs.length - steps).toBeLessThan(steps);
    expect(runs[steps]).toBe(5);
    // A row that has ended leaves when it is one of half.
    expect(runs.slice(steps)).toContain(2);
  });

  it("says how likely a text is, together and alone", async () => {
    const texts = [[5, 9, 11, 3], [7], [5, 9], [120, 4, 8]];
    const [row = promptRow(0, 0)] = rows;
    const together = (await watched(layout).decoder.weigh?.(row, texts, noWay)) ?? [];
    const alone = (await watched(layout, { shared: false }).decoder.weigh?.(row, texts, noWay)) ?? [];
    expect(together.map((sum) => sum.toFixed(4))).toEqual(alone.map((sum) => sum.toFixed(4)));
    expect(together[2]).toBeGreaterThan(together[0] ?? 0);
    // What greedy decoding says is what it thinks likely.
    const [said] = await decodeAll(watched(layout).decoder, [row]);
    const tokens = said?.truncated === true ? said.tokens : [...(said?.tokens ?? []), endTokens[0] ?? 0];
    const [sum] = (await watched(layout).decoder.weigh?.(row, [tokens], noWay)) ?? [];
    expect((sum ?? 0) / tokens.length).toBeCloseTo(said?.score ?? Number.NaN, 4);
  });

  it("goes on row by row where the graphs mix their rows, or fail with more than one", async () => {
    const alone = await decodeAlone(layout);
    const real = opened.get(layout)?.take;
    const mixed: PublishedGraphs["take"] = async (tokens, position, past) => {
      const said = (await real?.(tokens, position, past)) as Said;
      return { ...said, scores: said.scores.toReversed() };
    };
    const failing: PublishedGraphs["take"] = async (tokens, position, past) => {
      if (tokens.length > 1) throw new Error("Reshape: 2 rows do not fit 1");
      return (await real?.(tokens, position, past)) as Said;
    };
    for (const take of [mixed, failing]) {
      const { decoder, runs, logged } = watched(layout, { take });
      expect((await decodeAll(decoder, rows)).map(rounded)).toEqual(alone);
      expect(logged).toHaveLength(1);
      expect(logged[0]).toContain("row by row");
      expect(runs.filter((count) => count > 1)).toHaveLength(1);
    }
  });

  it("passes on that the memory is full", async () => {
    const full = new SpeechError("engine_out_of_memory", "full");
    const { decoder } = watched(layout, { take: () => Promise.reject(full) });
    await expect(decodeAll(decoder, rows)).rejects.toBe(full);
  });
});
