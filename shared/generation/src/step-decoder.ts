/**
 * Greedy decoding one token at a time, for the CPU: the graph reads the cache where it lies and answers only the chosen
 * token and the new keys and values. Prompts of similar length are read together, all rows are decoded together, and rows
 * that have ended leave when the cache moves or when they are half of the batch.
 */
import { createSession, float32Output, freeTensors, integerOutput, type SessionOptions } from "@parlance/inference";
import { type CacheShape, createCache, emptyPast, type KeyValueCache } from "./key-value-cache.ts";
import {
  int64Tensor,
  makePromptBatch,
  type PromptBatchOptions,
  type PromptRow,
  promptPositions,
  similarRows,
} from "./prompt-batch.ts";
import { createTokenCollector, type GreedyDecoder, type TokenCollector } from "./token-collector.ts";

export interface StepDecoderOptions extends SessionOptions, PromptBatchOptions {
  graph: string;
  cache: CacheShape;
  endTokens: readonly number[];
}

/** Continuations that are said side by side. */
const WEIGHED_TOGETHER = 16;

export async function createStepDecoder(options: StepDecoderOptions): Promise<GreedyDecoder> {
  const { graph, hidden, cache: shape, endTokens, padToken, vectorInputs } = options;
  const session = await createSession(graph, options);

  /** Reads prompts; `candidates` are tokens to weigh for each. */
  function read(rows: readonly PromptRow[], candidates: readonly number[]) {
    const { places, inputs } = makePromptBatch(rows, options);
    return session.run({
      ...inputs,
      positions: promptPositions(rows, places),
      candidates: int64Tensor(candidates, [rows.length, candidates.length / rows.length]),
      ...emptyPast(shape, rows.length),
    });
  }

  /** Takes one token for each row. */
  function step(cache: KeyValueCache, tokens: readonly number[], positions: readonly number[], candidates = tokens) {
    const column = [tokens.length, 1];
    return session.run({
      input_ids: int64Tensor(tokens, column),
      positions: int64Tensor(positions, column),
      candidates: int64Tensor(candidates, column),
      [vectorInputs.rows]: { type: "float32", data: new Float32Array(hidden), dims: [1, hidden] },
      [vectorInputs.places]: int64Tensor(new Float64Array(tokens.length), column),
      padding: int64Tensor(new Float64Array(tokens.length), [tokens.length]),
      ...cache.inputs(),
    });
  }

  return {
    async decode(rows) {
      if (rows.length === 0) return [];
      const collectors: TokenCollector[] = rows.map(({ budget }) => createTokenCollector(budget, endTokens));
      const longest = rows.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
      const budget = rows.reduce((most, row) => Math.max(most, row.budget), 0);
      let cache = createCache(shape, rows.length, longest, budget);
      const newest = new Array<number>(rows.length).fill(padToken);
      const positions = rows.map(({ tokens }) => tokens.length);
      const speaking = new Set<number>();
      const hear = (row: number, token: number, logProbability: number) => {
        newest[row] = token;
        if (collectors[row]?.add(token, logProbability) === true) speaking.add(row);
        else speaking.delete(row);
      };

      for (const group of similarRows(rows)) {
        const members = group.flatMap((row) => rows[row] ?? []);
        const places = members[0]?.tokens.length ?? 0;
        const outputs = await read(members, new Array<number>(members.length).fill(padToken));
        const lengths = members.map(({ tokens }) => tokens.length);
        cache.fill(outputs, group, lengths, places);
        const tokens = integerOutput(outputs, "token");
        const scores = float32Output(outputs, "log_probability");
        for (const [index, row] of group.entries()) hear(row, tokens[index] ?? padToken, scores[index] ?? 0);
        freeTensors(outputs);
      }

      // Place in the cache → row of the batch.
      let kept = rows.map((_, row) => row);
      for (let said = 1; speaking.size > 0; said++) {
        if (cache.full() || speaking.size <= kept.length / 2) {
          const left = [...kept.keys()].filter((place) => speaking.has(kept[place] ?? -1));
          cache = cache.move(left, budget - said);
          kept = left.map((place) => kept[place] ?? 0);
        }
        const outputs = await step(
          cache,
          kept.map((row) => newest[row] ?? padToken),
          kept.map((row) => positions[row] ?? 0),
        );
        cache.append(outputs);
        const tokens = integerOutput(outputs, "token");
        const scores = float32Output(outputs, "log_probability");
        for (const [place, row] of kept.entries()) {
          positions[row] = (positions[row] ?? 0) + 1;
          if (speaking.has(row)) hear(row, tokens[place] ?? padToken, scores[place] ?? 0);
        }
      }
      cache.close();
      return collectors.map((collector) => collector.result());
    },
    async weigh(row, continuations) {
      const length = row.tokens.length;
      const first = continuations.map(([token]) => token ?? padToken);
      const outputs = await read([row], first);
      const sums = Array.from(float32Output(outputs, "candidate_log_probabilities"));
      const prompt = createCache(shape, 1, length);
      prompt.fill(outputs, [0], [length], length);
      freeTensors(outputs);
      for (let from = 0; from < continuations.length; from += WEIGHED_TOGETHER) {
        const group = continuations.slice(from, from + WEIGHED_TOGETHER);
        const longest = group.reduce((most, tokens) => Math.max(most, tokens.length), 0);
        const everyRow = [...group.keys()];
        let cache = prompt.keep(everyRow.map(() => 0));
        for (let place = 0; place + 1 < longest; place++) {
          if (cache.full()) cache = cache.move(everyRow);
          const made = await step(
            cache,
            group.map((tokens) => tokens[place] ?? padToken),
            group.map(() => length + place),
            group.map((tokens) => tokens[place + 1] ?? padToken),
          );
          cache.append(made);
          const scores = float32Output(made, "candidate_log_probabilities");
          for (const [index, tokens] of group.entries()) {
            if (place + 1 < tokens.length) sums[from + index] = (sums[from + index] ?? 0) + (scores[index] ?? 0);
          }
        }
        cache.close();
      }
      prompt.close();
      return sums;
    },
    close: () => session.close(),
  };
}
