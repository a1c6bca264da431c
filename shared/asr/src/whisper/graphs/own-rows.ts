/**
 * The rows of a pass in the decoder of Parlance's own layout. Memory lies in arrays that belong to JavaScript and that the
 * runtime reads in place. Rows that go on stand first, so that a run over them takes the beginning of each array; a row
 * that ends changes places with the last that goes on.
 */
import { float32Output, integerOutput, type Session, type TensorData } from "@parlance/inference";
import { FRAMES } from "../features.ts";
import { type NodeScores, summarise } from "../search/scores.ts";
import type { Step } from "../search/search.ts";
import { audibleShares } from "./attention.ts";
import type { Attention, BeginOptions, EncodedRows, TokenStream } from "./decoder.ts";
import type { WhisperSection } from "./manifest-section.ts";
import { createTokenTree, swapRows, type TokenTree } from "./token-tree.ts";

const AUDIO_PLACES = FRAMES / 2;
/** Stands for minus infinity: finite, so that a token that sees nothing is no NaN. */
const HIDDEN = -1e9;
/** Rows whose attention is fetched at once: it is megabytes a row. */
const ROWS_PER_ALIGNMENT = 4;

export interface OwnRowsOptions {
  decoder: Session;
  section: WhisperSection;
  words: number;
  crossKeys: readonly Float32Array[];
  crossValues: readonly Float32Array[];
  count: number;
}

export function createOwnRows({ decoder, section, words, crossKeys, crossValues, count }: OwnRowsOptions): EncodedRows {
  const { heads, layers } = section;
  const size = section.width / heads;
  const rowLength = heads * size * AUDIO_PLACES;
  const others = section.vocabulary - words;
  /** Which row stands at each place. */
  const rowAt = Array.from({ length: count }, (_, row) => row);

  function swap(a: number, b: number, tree?: TokenTree): void {
    if (a === b) return;
    for (const array of [...crossKeys, ...crossValues]) swapRows(array, rowLength, a, b);
    tree?.swap(a, b);
    [rowAt[a], rowAt[b]] = [rowAt[b] ?? b, rowAt[a] ?? a];
  }

  /** Puts these rows first, in this order. */
  function arrange(rows: readonly number[]): void {
    for (const [place, row] of rows.entries()) swap(place, rowAt.indexOf(row));
  }

  interface Run {
    /** Places from `from` on. */
    from: number;
    rows: number;
    nodes: number;
    tokens: Int32Array;
    positions: Int32Array;
    /** [rows, nodes, places of the tree] */
    pastMask: Float32Array;
    /** [rows, nodes, nodes] */
    mask: Float32Array;
    tree: TokenTree | undefined;
    bias: Float32Array;
    /** Nodes that scores are wanted for, as many in every row. */
    select: readonly number[][];
    candidates: number;
    outputs: readonly string[];
  }

  function run(options: Run): Promise<Record<string, TensorData>> {
    const { from, rows, nodes, tree, select } = options;
    const places = tree?.places ?? 0;
    const chosen = BigInt64Array.from(select.flat(), BigInt);
    const inputs: Record<string, TensorData> = {
      tokens: { type: "int32", data: options.tokens, dims: [rows, nodes] },
      positions: { type: "int32", data: options.positions, dims: [rows, nodes] },
      past_mask: { type: "float32", data: options.pastMask, dims: [rows, nodes, places] },
      mask: { type: "float32", data: options.mask, dims: [rows, nodes, nodes] },
      bias: { type: "float32", data: options.bias, dims: [words] },
      select: { type: "int64", data: chosen, dims: [rows, chosen.length / rows] },
      k: { type: "int64", data: BigInt64Array.of(BigInt(options.candidates)), dims: [1] },
    };
    const nothing = new Float32Array();
    for (let layer = 0; layer < layers; layer++) {
      const past = [rows, heads, places, size];
      inputs[`past_key.${layer}`] = { type: "float32", data: tree?.keys(layer, rows) ?? nothing, dims: past };
      inputs[`past_value.${layer}`] = { type: "float32", data: tree?.values(layer, rows) ?? nothing, dims: past };
      const view = (array: Float32Array | undefined) =>
        (array ?? nothing).subarray(from * rowLength, (from + rows) * rowLength);
      inputs[`cross_key.${layer}`] = {
        type: "float32",
        data: view(crossKeys[layer]),
        dims: [rows, heads, size, AUDIO_PLACES],
      };
      inputs[`cross_value.${layer}`] = {
        type: "float32",
        data: view(crossValues[layer]),
        dims: [rows, heads, AUDIO_PLACES, size],
      };
    }
    return decoder.run(inputs, options.outputs);
  }

  const memory = Array.from({ length: layers }, (_, layer) => [`key.${layer}`, `value.${layer}`]).flat();

  function remember(tree: TokenTree, rows: number, nodes: number, outputs: Record<string, TensorData>): number {
    const of = (part: string) =>
      Array.from({ length: layers }, (_, layer) => float32Output(outputs, `${part}.${layer}`));
    return tree.append(rows, nodes, of("key"), of("value"));
  }

  /** Rows of tokens, padded behind; every token sees itself and those before it. */
  function sequences(from: number, texts: readonly (readonly number[])[]) {
    const rows = texts.length;
    const nodes = Math.max(...texts.map(({ length }) => length));
    const tokens = new Int32Array(rows * nodes);
    const positions = new Int32Array(rows * nodes);
    const mask = new Float32Array(rows * nodes * nodes);
    for (const [row, text] of texts.entries()) {
      tokens.set(text, row * nodes);
      for (let node = 0; node < nodes; node++) {
        positions[row * nodes + node] = node;
        mask.fill(HIDDEN, (row * nodes + node) * nodes + node + 1, (row * nodes + node + 1) * nodes);
      }
    }
    return { from, rows, nodes, tokens, positions, mask, pastMask: new Float32Array(), tree: undefined };
  }

  async function begin(options: BeginOptions): Promise<TokenStream> {
    const order = [...options.prompts.keys()];
    arrange(order);
    const prompts = order.map((row) => options.prompts.get(row) ?? { tokens: [], start: 0 });
    const tree = createTokenTree({ rows: order.length, layers, heads, size });
    const given = sequences(
      0,
      prompts.map(({ tokens }) => tokens),
    );
    const outputs = await run({
      ...given,
      bias: new Float32Array(words),
      select: prompts.map(({ tokens, start }) => [start, tokens.length - 1]),
      candidates: 1,
      outputs: ["words", "rest", ...memory],
    });
    remember(tree, given.rows, given.nodes, outputs);
    const [wordScores, restScores] = [float32Output(outputs, "words"), float32Output(outputs, "rest")];
    const scoresOf = (node: number) => ({
      words: wordScores.subarray(node * words, (node + 1) * words),
      rest: restScores.subarray(node * others, (node + 1) * others),
    });
    const { firstBias, candidates, allWords } = options;
    const start = new Map(order.map((row, place) => [row, scoresOf(2 * place)]));
    const first = new Map(
      order.map((row, place) => [row, summarise(scoresOf(2 * place + 1), firstBias, candidates, allWords)]),
    );

    /** Places of the prompt that a row may see, its next position, and the places that each of its nodes came by. */
    const rows = new Map(
      order.map((row, place) => {
        const length = prompts[place]?.tokens.length ?? 0;
        return [row, { length, position: length, paths: [[]] as number[][] }];
      }),
    );

    return {
      start,
      first,
      async step(steps) {
        for (let place = 0; place < order.length; ) {
          if (steps.has(rowAt[place] ?? -1)) place++;
          else {
            swap(place, order.length - 1, tree);
            order.pop();
          }
        }
        const { nodes } = options;
        const active = order.length;
        const tokens = new Int32Array(active * nodes);
        const positions = new Int32Array(active * nodes);
        const pastMask = new Float32Array(active * nodes * tree.places).fill(HIDDEN);
        const mask = new Float32Array(active * nodes * nodes).fill(HIDDEN);
        const before: number[][][] = [];
        for (let place = 0; place < active; place++) {
          const row = rows.get(rowAt[place] ?? -1);
          const step: Step | undefined = steps.get(rowAt[place] ?? -1);
          if (row === undefined || step === undefined)
            throw new RangeError(`row ${rowAt[place]} is not in this stream`);
          const paths = Array.from({ length: nodes }, (_, node) => row.paths[step.parents[node] ?? 0] ?? []);
          before.push(paths);
          for (const [node, path] of paths.entries()) {
            const index = place * nodes + node;
            tokens[index] = step.tokens[node] ?? step.tokens[0] ?? 0;
            positions[index] = row.position;
            mask[index * nodes + node] = 0;
            pastMask.fill(0, index * tree.places, index * tree.places + row.length);
            for (const seen of path) pastMask[index * tree.places + seen] = 0;
          }
          row.position++;
        }
        const outputs = await run({
          ...{ from: 0, rows: active, nodes, tokens, positions, pastMask, mask, tree },
          bias: options.bias,
          select: Array.from({ length: active }, () => Array.from({ length: nodes }, (_, node) => node)),
          candidates: options.candidates,
          outputs: ["word_ids", "word_scores", "word_total", "rest", ...(options.allWords ? ["words"] : []), ...memory],
        });
        const made = remember(tree, active, nodes, outputs);
        const answers = new Map<number, NodeScores[]>();
        for (let place = 0; place < active; place++) {
          const row = rows.get(rowAt[place] ?? -1);
          if (row === undefined) continue;
          row.paths = (before[place] ?? []).map((path, node) => [...path, made + node]);
          answers.set(rowAt[place] ?? -1, readScores(outputs, place * nodes, nodes, options));
        }
        return answers;
      },
    };
  }

  function readScores(
    outputs: Record<string, TensorData>,
    from: number,
    nodes: number,
    options: BeginOptions,
  ): NodeScores[] {
    const { candidates: count, allWords } = options;
    const [ids, scores] = [integerOutput(outputs, "word_ids"), float32Output(outputs, "word_scores")];
    const [totals, rest] = [float32Output(outputs, "word_total"), float32Output(outputs, "rest")];
    const all = allWords ? float32Output(outputs, "words") : undefined;
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

  return {
    begin,
    async align(texts, frames) {
      const order = [...texts.keys()];
      arrange(order);
      const answers = new Map<number, Attention>();
      for (let from = 0; from < order.length; from += ROWS_PER_ALIGNMENT) {
        const rows = order.slice(from, from + ROWS_PER_ALIGNMENT);
        const given = sequences(
          from,
          rows.map((row) => texts.get(row) ?? []),
        );
        const outputs = await run({
          ...given,
          bias: new Float32Array(words),
          select: rows.map(() => [0]),
          candidates: 1,
          outputs: ["alignment"],
        });
        const scores = float32Output(outputs, "alignment");
        const aligned = scores.length / (rows.length * given.nodes * AUDIO_PLACES);
        const rowScores = scores.length / rows.length;
        for (const [place, row] of rows.entries()) {
          const part = scores.subarray(place * rowScores, (place + 1) * rowScores);
          const shape = { heads: aligned, nodes: given.nodes, places: AUDIO_PLACES };
          answers.set(row, audibleShares(part, shape, texts.get(row)?.length ?? 0, frames(row), "scores"));
        }
      }
      return answers;
    },
  };
}
