/**
 * Greedy decoding one token at a time, for the CPU: the graph reads the cache where it lies and answers only the chosen
 * token and the new keys and values. All rows are decoded together. A row's place is free as soon as it ends, and goes to
 * one that waits; where none waits, rows that have ended leave the cache when it moves or when they are half of it.
 */
import { float32Output, integerOutput } from "@parlance/inference";
import { weighContinuations } from "./continuation-weights.ts";
import { type DecoderGraphOptions, openDecoderGraph } from "./decoder-graph.ts";
import type { Decoder } from "./decoding.ts";
import type { Tensors } from "./key-value-cache.ts";
import { createStepBatch } from "./step-batch.ts";
import { createTokenCollector, type TokenCollector } from "./token-collector.ts";

export interface StepDecoderOptions extends DecoderGraphOptions {
  endTokens: readonly number[];
  /** Rows that are decoded together. */
  mostRows: number;
}

interface Said {
  token: number;
  logProbability: number;
}

interface Speaking {
  collector: TokenCollector;
  newest: number;
  budget: number;
}

export async function createStepDecoder(options: StepDecoderOptions): Promise<Decoder> {
  const { endTokens, padToken, mostRows } = options;
  const graph = await openDecoderGraph(options);
  return {
    refills: true,
    async decode({ take, isOpen, hear, end, giveWay }) {
      const speaking = new Map<number, Speaking>();
      const batch = createStepBatch({ graph, giveWay, read: said, padToken });
      const ended: number[] = [];
      const collect = (row: number, { token, logProbability }: Said) => {
        const one = speaking.get(row);
        if (one === undefined) return;
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
          for (const { row, prompt } of joining) {
            const { budget } = prompt;
            speaking.set(row, { collector: createTokenCollector(budget, endTokens), newest: padToken, budget });
          }
          await batch.join(joining, collect);
          if (ended.length > 0) continue;
          if (speaking.size === 0) return;
          const wanted = Math.max(...Array.from(speaking.values(), left));
          for (const [row, answer] of await batch.step(
            (row) => ({ token: speaking.get(row)?.newest ?? padToken }),
            wanted,
          )) {
            collect(row, answer);
          }
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
  return { token, logProbability };
}

function left({ budget, collector }: Speaking): number {
  return budget - collector.tokens.length;
}
