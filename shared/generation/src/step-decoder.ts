/**
 * Decoding one token at a time, for the CPU: the graph reads the cache where it lies and answers only the likeliest token
 * and the new keys and values; while a row samples, the log-probabilities of the whole vocabulary too. All rows are decoded
 * together. A row's place is free as soon as it ends, and goes to one that waits; where none waits, rows that have ended leave
 * the cache when it moves or when they are half of it.
 */
import { float32Output, freeArrays, integerOutput } from "@parlance/inference";
import { weighContinuations } from "./continuation-weights.ts";
import { type DecoderGraphOptions, openDecoderGraph } from "./decoder-graph.ts";
import type { Decoder } from "./decoding.ts";
import type { Tensors } from "./key-value-cache.ts";
import type { Sampler } from "./sampler.ts";
import { createStepBatch } from "./step-batch.ts";
import { createTokenCollector, type TokenCollector } from "./token-collector.ts";

export interface StepDecoderOptions extends DecoderGraphOptions {
  endTokens: readonly number[];
  /** Rows that are decoded together. */
  mostRows: number;
  /** Tokens below this one may be drawn. Default 0: rows are not sampled. */
  vocabulary?: number | undefined;
}

interface Said {
  token: number;
  logProbability: number;
  /** Log-probabilities of the vocabulary, where it was weighed. */
  scores: Float32Array | undefined;
}

interface Speaking {
  sampler: Sampler | undefined;
  collector: TokenCollector;
  newest: number;
  budget: number;
}

export async function createStepDecoder(options: StepDecoderOptions): Promise<Decoder> {
  const { endTokens, padToken, mostRows, vocabulary = 0 } = options;
  const graph = await openDecoderGraph(options);
  /** Made for the first row that samples. */
  let drawn: BigInt64Array | undefined;
  const everyToken = () => {
    drawn ??= BigInt64Array.from({ length: vocabulary }, (_, token) => BigInt(token));
    return drawn;
  };
  return {
    refills: true,
    steps: true,
    samples: vocabulary > 0,
    async decode({ take, isOpen, hear, end, giveWay }) {
      const speaking = new Map<number, Speaking>();
      const batch = createStepBatch({ graph, giveWay, read: said, padToken });
      const ended: number[] = [];
      const candidatesOf = ({ sampler }: { sampler?: Sampler | undefined }) =>
        sampler === undefined || vocabulary === 0 ? undefined : everyToken();
      const collect = (row: number, answer: Said) => {
        const one = speaking.get(row);
        if (one === undefined) return;
        const { token, logProbability } = chosen(answer, one);
        one.newest = token;
        const goesOn = one.collector.add(token, logProbability);
        if (!endTokens.includes(token)) hear(row, one.collector.tokens);
        if (!goesOn) ended.push(row);
      };
      try {
        for (;;) {
          for (const row of ended.splice(0)) {
            const decoded = speaking.get(row)?.collector.result();
            leave(row);
            if (decoded !== undefined) await end(row, decoded);
          }
          for (const row of batch.rows) if (!isOpen(row)) leave(row);
          const places = mostRows - speaking.size;
          const joining = places > 0 ? await take(places) : [];
          for (const { row, prompt, sampler } of joining) {
            const { budget } = prompt;
            const collector = createTokenCollector(budget, endTokens);
            speaking.set(row, { sampler, collector, newest: padToken, budget });
          }
          await batch.join(joining, collect, candidatesOf);
          if (ended.length > 0) continue;
          if (speaking.size === 0) return;
          const rows = [...speaking.values()];
          const answers = await batch.step(
            (row) => ({ token: speaking.get(row)?.newest ?? padToken }),
            Math.max(...rows.map(left)),
            rows.map(candidatesOf).find((candidates) => candidates !== undefined),
          );
          for (const [row, answer] of answers) collect(row, answer);
          freeArrays(answers.flatMap(([, { scores }]) => scores ?? []));
          await giveWay();
        }
      } finally {
        batch.close();
      }

      function leave(row: number) {
        batch.leave(row);
        speaking.delete(row);
      }
    },
    weigh: (prompt, continuations, giveWay) => weighContinuations({ graph, padToken, giveWay }, prompt, continuations),
    close: () => graph.close(),
  };
}

function said(outputs: Tensors, row: number): Said {
  const token = integerOutput(outputs, "token")[row];
  const logProbability = float32Output(outputs, "log_probability")[row];
  if (token === undefined || logProbability === undefined) throw new RangeError(`the graph answers no row ${row}`);
  const weighed = "candidate_log_probabilities";
  const [, candidates = 0] = outputs[weighed]?.dims ?? [];
  if (candidates <= 1) return { token, logProbability, scores: undefined };
  const scores = float32Output(outputs, weighed).subarray(row * candidates, (row + 1) * candidates);
  return { token, logProbability, scores };
}

/** What the row's sampler draws, or the likeliest. */
function chosen({ token, logProbability, scores }: Said, { sampler, collector }: Speaking) {
  if (sampler === undefined || scores === undefined) return { token, logProbability };
  const drawn = sampler.choose(scores, collector.tokens).token;
  return { token: drawn, logProbability: scores[drawn] ?? Number.NEGATIVE_INFINITY };
}

function left({ budget, collector }: Speaking): number {
  return budget - collector.tokens.length;
}
