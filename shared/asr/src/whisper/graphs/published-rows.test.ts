import type { TensorData } from "@parlance/inference";
import { expect, it } from "vitest";
import { whisperSectionSchema } from "../manifest-section.ts";
import { memoryNames, type PublishedDecoder } from "./published-decoder.ts";
import { createPublishedRows } from "./published-rows.ts";
import { anySize } from "./run-size.ts";

const [words, vocabulary] = [5, 6];
const sizes = { mels: 80, layers: 1, heads: 1, width: 2, positions: 8, vocabulary };
const section = whisperSectionSchema.parse(sizes);

/** Notes how many rows each run has; all tokens are equally likely. */
function createDecoder(runs: number[]): PublishedDecoder {
  const answer = (rows: number, places: number): Record<string, TensorData> => {
    runs.push(rows);
    const zeros = (...dims: number[]): TensorData => {
      const data = new Float32Array(dims.reduce((all, size) => all * size, 1));
      return { type: "float32", data, dims };
    };
    const memory = memoryNames(section.layers).map((name) => [`present.${name}`, zeros(rows, 1, places, 2)]);
    return { logits: zeros(rows, places, vocabulary), ...Object.fromEntries(memory) };
  };
  return {
    tellsAttention: false,
    first: async (tokens, rows, _states, _outputs, giveWay) => {
      await giveWay();
      return answer(rows, tokens.length / rows);
    },
    next: async (tokens) => answer(tokens.length, 1),
  };
}

it.each([
  [true, [1, 1, 1, 4, 2]],
  [false, [1, 1, 1, 2, 2, 2]],
])(
  "rows with equally long prompts share their runs, beams of a row always; prompts are read one by one (together: %s)",
  async (together, expected) => {
    const runs: number[] = [];
    let yields = 0;
    const rows = createPublishedRows({
      ...{ decoder: createDecoder(runs), words, together, section, alignmentHeads: [], size: anySize },
      giveWay: async () => {
        yields++;
      },
      hear: async (features) => features,
    });
    const texts = [
      [1, 2],
      [1, 2, 3],
      [4, 5],
    ];
    await rows.hear(new Map(texts.map((_, row) => [row, new Float32Array(3_000)])));
    await rows.read(new Map(texts.map((tokens, row) => [row, { tokens, start: 0 }])));
    const step = { tokens: [1, 2], parents: [0, 0] };
    const wanted = { candidates: 2, allWords: false, bias: new Float32Array(words) };
    await rows.step(new Map(texts.map((_, row) => [row, step])), wanted);
    expect(runs).toEqual(expected);
    expect(yields).toBeGreaterThanOrEqual(runs.length);
    // A row that leaves takes its nodes along; one that reads again goes on by itself.
    rows.drop(0);
    await rows.read(new Map([[2, { tokens: [4, 5], start: 0 }]]));
    const answers = await rows.step(new Map([1, 2].map((row) => [row, step])), wanted);
    expect([...answers.keys()]).toEqual([1, 2]);
    expect(runs.slice(expected.length)).toEqual([1, 2, 2]);
  },
);
