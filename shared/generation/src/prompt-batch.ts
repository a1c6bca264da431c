/** Rows of unequal prompts as tensors: padded on the left, so that every row's newest token has the last place. */
import type { TensorData } from "@parlance/inference";

/** One row to decode. */
export interface PromptRow {
  tokens: readonly number[];
  /** [places, hidden]: stand in place of the tokens' own embeddings from `vectorsFrom` on. */
  vectors: Float32Array;
  vectorsFrom: number;
  /** Tokens that the row may say at most. */
  budget: number;
}

/** What a graph calls its inputs for vectors: rows [rows, hidden], and which of them stands at a place, 0 for none. */
export interface VectorInputs {
  rows: string;
  places: string;
}

/** Of a graph that takes no tokens: its input for a vector at every place [rows, places, hidden]. */
export interface EmbeddingInput {
  embeddings: string;
}

export interface PromptBatchOptions {
  hidden: number;
  padToken: number;
  vectorInputs: VectorInputs | EmbeddingInput;
}

export interface PromptBatch {
  /** Places of the longest row. */
  places: number;
  inputs: Record<string, TensorData>;
}

export function int64Tensor(values: ArrayLike<number>, dims: readonly number[]): TensorData {
  return { type: "int64", data: BigInt64Array.from(Array.from(values), BigInt), dims };
}

export function makePromptBatch(
  rows: readonly PromptRow[],
  { hidden, padToken, vectorInputs }: PromptBatchOptions,
): PromptBatch {
  const places = rows.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
  const padding = int64Tensor(
    rows.map(({ tokens }) => places - tokens.length),
    [rows.length],
  );
  if ("embeddings" in vectorInputs) {
    const data = new Float32Array(rows.length * places * hidden);
    for (const [row, { tokens, vectors, vectorsFrom }] of rows.entries()) {
      data.set(vectors, (row * places + places - tokens.length + vectorsFrom) * hidden);
    }
    const embeddings: TensorData = { type: "float32", data, dims: [rows.length, places, hidden] };
    return { places, inputs: { [vectorInputs.embeddings]: embeddings, padding } };
  }
  const ids = new Float64Array(rows.length * places).fill(padToken);
  const vectorPlaces = new Float64Array(rows.length * places);
  const vectorRows = rows.reduce((sum, { vectors }) => sum + vectors.length / hidden, 1);
  const embeddings = new Float32Array(vectorRows * hidden);
  // Row 0 of the vectors stands for "none here".
  let next = 1;
  for (const [row, { tokens, vectors, vectorsFrom }] of rows.entries()) {
    const from = row * places + places - tokens.length;
    ids.set(tokens, from);
    embeddings.set(vectors, next * hidden);
    for (let index = 0; index < vectors.length / hidden; index++) vectorPlaces[from + vectorsFrom + index] = next++;
  }
  return {
    places,
    inputs: {
      input_ids: int64Tensor(ids, [rows.length, places]),
      [vectorInputs.rows]: { type: "float32", data: embeddings, dims: [vectorRows, hidden] },
      [vectorInputs.places]: int64Tensor(vectorPlaces, [rows.length, places]),
      padding,
    },
  };
}

/** Positions of a padded prompt: they begin at 0 where the row begins. */
export function promptPositions(rows: readonly PromptRow[], places: number): TensorData {
  const positions = rows.flatMap(({ tokens }) =>
    Array.from({ length: places }, (_, place) => Math.max(0, place - (places - tokens.length))),
  );
  return int64Tensor(positions, [rows.length, places]);
}
