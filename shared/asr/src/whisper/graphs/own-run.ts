/** One run of the decoder of Parlance's own layout (models/recipes/whisper/graphs.py says what each tensor is). */
import { float32Output, integerOutput, type Session, type TensorData } from "@parlance/inference";
import { FRAMES } from "../features.ts";
import type { WhisperSection } from "../manifest-section.ts";
import type { NodeScores } from "../search/scores.ts";
import type { CrossMemory } from "./cross-memory.ts";
import type { TokenTree } from "./token-tree.ts";

export const AUDIO_PLACES = FRAMES / 2;
/** Stands for minus infinity: finite, so that a token that sees nothing is no NaN. */
export const HIDDEN = -1e9;

export interface OwnDecoder {
  session: Session;
  section: WhisperSection;
  /** How many tokens are words. */
  words: number;
}

/** Nodes of rows that stand side by side. */
export interface Run {
  /** Of all rows. */
  cross: CrossMemory;
  tree: TokenTree;
  /** Rows from this place on. */
  from: number;
  rows: number;
  nodes: number;
  /** [rows, nodes] */
  tokens: Int32Array;
  positions: Int32Array;
  /** Places of the tree that are shown to the graph: 0 where no node has a past. */
  places: number;
  /** [rows, nodes, places] */
  pastMask: Float32Array;
  /** [rows, nodes, nodes] */
  mask: Float32Array;
  bias: Float32Array;
  /** Nodes that scores are wanted for, as many in every row. */
  select: readonly number[][];
  candidates: number;
  outputs: readonly string[];
}

export type Outputs = Record<string, TensorData>;

/** Runs the nodes and puts their keys and values into the tree. */
export async function runNodes({ session, section, words }: OwnDecoder, run: Run): Promise<Outputs> {
  const { heads, width } = section;
  const size = width / heads;
  const { from, rows, nodes, places, tree, cross } = run;
  const chosen = BigInt64Array.from(run.select.flat(), BigInt);
  const inputs: Outputs = {
    tokens: { type: "int32", data: run.tokens, dims: [rows, nodes] },
    positions: { type: "int32", data: run.positions, dims: [rows, nodes] },
    past_mask: { type: "float32", data: run.pastMask, dims: [rows, nodes, places] },
    mask: { type: "float32", data: run.mask, dims: [rows, nodes, nodes] },
    bias: { type: "float32", data: run.bias, dims: [words] },
    select: { type: "int64", data: chosen, dims: [rows, chosen.length / rows] },
    k: { type: "int64", data: BigInt64Array.of(BigInt(run.candidates)), dims: [1] },
  };
  const rowLength = heads * size * AUDIO_PLACES;
  const nothing = new Float32Array();
  const heard = (array: Float32Array | undefined) =>
    (array ?? nothing).subarray(from * rowLength, (from + rows) * rowLength);
  const floats = (data: Float32Array, ...dims: number[]): TensorData => ({ type: "float32", data, dims });
  for (let layer = 0; layer < section.layers; layer++) {
    const [keys, values] =
      places === 0 ? [nothing, nothing] : [tree.keys(layer, from, rows), tree.values(layer, from, rows)];
    inputs[`past_key.${layer}`] = floats(keys, rows, heads, places, size);
    inputs[`past_value.${layer}`] = floats(values, rows, heads, places, size);
    inputs[`cross_key.${layer}`] = floats(heard(cross.keys[layer]), rows, heads, size, AUDIO_PLACES);
    inputs[`cross_value.${layer}`] = floats(heard(cross.values[layer]), rows, heads, AUDIO_PLACES, size);
  }
  const layers = Array.from({ length: section.layers }, (_, layer) => layer);
  const memory = layers.flatMap((layer) => [`key.${layer}`, `value.${layer}`]);
  const outputs = await session.run(inputs, [...run.outputs, ...memory]);
  const made = (part: string) => layers.map((layer) => float32Output(outputs, `${part}.${layer}`));
  tree.append(from, rows, nodes, made("key"), made("value"));
  return outputs;
}

/** Of the nodes from `from` on, of those that were selected. */
export function readScores(
  { section, words }: OwnDecoder,
  outputs: Outputs,
  from: number,
  nodes: number,
  count: number,
): NodeScores[] {
  const others = section.vocabulary - words;
  const [ids, scores] = [integerOutput(outputs, "word_ids"), float32Output(outputs, "word_scores")];
  const [totals, rest] = [float32Output(outputs, "word_total"), float32Output(outputs, "rest")];
  const all = outputs.words === undefined ? undefined : float32Output(outputs, "words");
  return Array.from({ length: nodes }, (_, index) => {
    const node = from + index;
    return {
      wordIds: ids.subarray(node * count, (node + 1) * count),
      wordScores: scores.subarray(node * count, (node + 1) * count),
      wordTotal: totals[node] ?? 0,
      rest: rest.subarray(node * others, (node + 1) * others),
      words: all?.subarray(node * words, (node + 1) * words),
    };
  });
}
