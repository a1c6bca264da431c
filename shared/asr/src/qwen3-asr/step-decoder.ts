/**
 * Greedy decoding one token at a time, for the CPU: the graph reads the cache where it lies and answers only the chosen
 * token and the new keys and values. Prompts of similar length are read together, all rows are decoded together, and rows
 * that have ended leave when the cache moves or when they are half of the batch.
 */
import { createSession, float32Output, integerOutput, type SessionOptions } from "@parlance/inference";
import { createSpeaker, type GreedyDecoder, type Speaker } from "./greedy-decoder.ts";
import { type CacheShape, createCache, emptyPast } from "./key-value-cache.ts";
import { int64Tensor, makePromptBatch, type PromptRow, promptPositions } from "./prompt-batch.ts";

export interface StepDecoderOptions extends SessionOptions {
  graph: string;
  hidden: number;
  cache: CacheShape;
  endTokens: readonly number[];
  padToken: number;
}

/** Places that one run over prompts may have, its padding included: a bound on its activations. */
const PLACES_PER_RUN = 1_024;
/** A row joins a run when it has at least this part of the longest row's places. */
const SIMILAR = 0.75;

export async function createStepDecoder(options: StepDecoderOptions): Promise<GreedyDecoder> {
  const { graph, hidden, cache: shape, endTokens, padToken } = options;
  const session = await createSession(graph, options);

  return {
    async decode(rows) {
      if (rows.length === 0) return [];
      const speakers: Speaker[] = rows.map(({ budget }) => createSpeaker(budget, endTokens));
      const longest = rows.reduce((most, { tokens }) => Math.max(most, tokens.length), 0);
      let cache = createCache(shape, rows.length, longest);
      const newest = new Array<number>(rows.length).fill(padToken);
      const positions = rows.map(({ tokens }) => tokens.length);
      const speaking = new Set<number>();
      const hear = (row: number, token: number, logProbability: number) => {
        newest[row] = token;
        if (speakers[row]?.say(token, logProbability) === true) speaking.add(row);
        else speaking.delete(row);
      };

      for (const group of similarRows(rows)) {
        const members = group.flatMap((row) => rows[row] ?? []);
        const { places, inputs } = makePromptBatch(members, hidden, padToken);
        const outputs = await session.run({
          ...inputs,
          positions: promptPositions(members, places),
          ...emptyPast(shape, members.length),
        });
        const lengths = members.map(({ tokens }) => tokens.length);
        cache.fill(outputs, group, lengths, places);
        const tokens = integerOutput(outputs, "token");
        const scores = float32Output(outputs, "log_probability");
        for (const [index, row] of group.entries()) hear(row, tokens[index] ?? padToken, scores[index] ?? 0);
      }

      // Place in the cache → row of the batch.
      let kept = rows.map((_, row) => row);
      while (speaking.size > 0) {
        if (cache.full() || speaking.size <= kept.length / 2) {
          const left = [...kept.keys()].filter((place) => speaking.has(kept[place] ?? -1));
          cache = cache.keep(left);
          kept = left.map((place) => kept[place] ?? 0);
        }
        const outputs = await session.run({
          input_ids: int64Tensor(
            kept.map((row) => newest[row] ?? padToken),
            [kept.length, 1],
          ),
          positions: int64Tensor(
            kept.map((row) => positions[row] ?? 0),
            [kept.length, 1],
          ),
          audio_rows: { type: "float32", data: new Float32Array(hidden), dims: [1, hidden] },
          audio_places: int64Tensor(new Float64Array(kept.length), [kept.length, 1]),
          padding: int64Tensor(new Float64Array(kept.length), [kept.length]),
          ...cache.inputs(),
        });
        cache.append(outputs);
        const tokens = integerOutput(outputs, "token");
        const scores = float32Output(outputs, "log_probability");
        for (const [place, row] of kept.entries()) {
          positions[row] = (positions[row] ?? 0) + 1;
          if (speaking.has(row)) hear(row, tokens[place] ?? padToken, scores[place] ?? 0);
        }
      }
      return speakers.map((speaker) => speaker.result());
    },
    close: () => session.close(),
  };
}

/** Rows by falling length in groups of similar ones. */
export function similarRows(rows: readonly Pick<PromptRow, "tokens">[]): number[][] {
  const order = [...rows.entries()].toSorted(([, a], [, b]) => b.tokens.length - a.tokens.length);
  const groups: number[][] = [];
  let longest = 0;
  let group: number[] = [];
  for (const [row, { tokens }] of order) {
    const fits = tokens.length >= SIMILAR * longest && (group.length + 1) * longest <= PLACES_PER_RUN;
    if (group.length === 0 || !fits) {
      group = [];
      groups.push(group);
      longest = tokens.length;
    }
    group.push(row);
  }
  return groups;
}
