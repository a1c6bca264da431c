import type { TensorData } from "@parlance/inference";
import { expect, it } from "vitest";
import { whisperSectionSchema } from "./manifest-section.ts";
import { memoryNames, type PublishedDecoder } from "./published-decoder.ts";
import { createPublishedStream } from "./published-stream.ts";

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
    first: async (tokens, rows) => answer(rows, tokens.length / rows),
    next: async (tokens) => answer(tokens.length, 1),
  };
}

it.each([
  [true, [2, 1, 4, 2]],
  [false, [1, 1, 1, 2, 2, 2]],
])(
  "rows with equally long prompts share their runs, beams of a row always (together: %s)",
  async (together, expected) => {
    const runs: number[] = [];
    const prompts = [
      [1, 2],
      [1, 2, 3],
      [4, 5],
    ].map((tokens, row) => [row, { tokens, start: 0 }] as const);
    const stream = await createPublishedStream({
      ...{ decoder: createDecoder(runs), words, together },
      section,
      states: prompts.map(() => new Float32Array(3_000)),
      begin: {
        ...{ prompts: new Map(prompts), nodes: 2, candidates: 2, allWords: false },
        ...{ firstBias: new Float32Array(words), bias: new Float32Array(words) },
      },
    });
    const step = { tokens: [1, 2], parents: [0, 0] };
    await stream.step(new Map(prompts.map(([row]) => [row, step])));
    expect(runs).toEqual(expected);
  },
);
