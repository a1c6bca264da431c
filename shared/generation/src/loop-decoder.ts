/** Greedy decoding in one run: the graph holds the loop, for devices on which keys and values must stay. */
import { createSession, float32Output, integerOutput, type SessionOptions } from "@parlance/inference";
import { int64Tensor, makePromptBatch, type PromptBatchOptions } from "./prompt-batch.ts";
import { createTokenCollector, type GreedyDecoder } from "./token-collector.ts";

export interface LoopDecoderOptions extends SessionOptions, PromptBatchOptions {
  graph: string;
  endTokens: readonly number[];
}

export async function createLoopDecoder(options: LoopDecoderOptions): Promise<GreedyDecoder> {
  const { graph, endTokens, padToken } = options;
  const session = await createSession(graph, options);
  return {
    async decode(rows) {
      if (rows.length === 0) return [];
      const outputs = await session.run({
        ...makePromptBatch(rows, options).inputs,
        budgets: int64Tensor(
          rows.map(({ budget }) => budget),
          [rows.length],
        ),
        end_tokens: int64Tensor(endTokens, [endTokens.length]),
      });
      const tokens = integerOutput(outputs, "tokens");
      const scores = float32Output(outputs, "log_probabilities");
      const steps = tokens.length / rows.length;
      return rows.map(({ budget }, row) => {
        const collector = createTokenCollector(budget, endTokens);
        for (let at = row * steps; at < (row + 1) * steps; at++) {
          if (!collector.add(tokens[at] ?? padToken, scores[at] ?? 0)) break;
        }
        return collector.result();
      });
    },
    close: () => session.close(),
  };
}
