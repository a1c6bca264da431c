import { expect, test } from "vitest";
import { makePromptBatch } from "./prompt-batch.ts";

const options = { hidden: 2, padToken: 0 };
const rows = [
  { tokens: [1, 2, 3], vectors: Float32Array.of(1, 2, 3, 4), vectorsFrom: 1, budget: 1 },
  { tokens: [4], vectors: Float32Array.of(5, 6), vectorsFrom: 0, budget: 1 },
];

test("tokens, and vectors in place of some of them, are padded on the left", () => {
  const { places, inputs } = makePromptBatch(rows, { ...options, vectorInputs: { rows: "rows", places: "places" } });
  expect(places).toBe(3);
  expect(inputs.input_ids).toMatchObject({ data: BigInt64Array.of(1n, 2n, 3n, 0n, 0n, 4n), dims: [2, 3] });
  expect(inputs.rows).toMatchObject({ data: Float32Array.of(0, 0, 1, 2, 3, 4, 5, 6), dims: [4, 2] });
  expect(inputs.places).toMatchObject({ data: BigInt64Array.of(0n, 1n, 2n, 0n, 0n, 3n), dims: [2, 3] });
  expect(inputs.padding).toMatchObject({ data: BigInt64Array.of(0n, 2n) });
});

test("vectors at every place are padded on the left with nothing", () => {
  const { places, inputs } = makePromptBatch(rows, { ...options, vectorInputs: { embeddings: "vectors" } });
  expect(places).toBe(3);
  expect(Object.keys(inputs).toSorted()).toEqual(["padding", "vectors"]);
  expect(inputs.vectors).toMatchObject({ data: Float32Array.of(0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 5, 6), dims: [2, 3, 2] });
  expect(inputs.padding).toMatchObject({ data: BigInt64Array.of(0n, 2n) });
});
