/** Greedy decoding in one run: the graph holds the loop, for devices on which keys and values must stay. */
import { createSession, float32Output, integerOutput, type SessionOptions } from "@parlance/inference";
import { createSpeaker, type GreedyDecoder } from "./greedy-decoder.ts";
import { int64Tensor, makePromptBatch } from "./prompt-batch.ts";

export interface LoopDecoderOptions extends SessionOptions {
  graph: string;
  hidden: number;
  endTokens: readonly number[];
  padToken: number;
}

export async function createLoopDecoder(options: LoopDecoderOptions): Promise<GreedyDecoder> {
  const { graph, hidden, endTokens, padToken } = options;
  const session = await createSession(graph, options);
  return {
    async decode(rows) {
      if (rows.length === 0) return [];
      const outputs = await session.run({
        ...makePromptBatch(rows, hidden, padToken).inputs,
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
        const speaker = createSpeaker(budget, endTokens);
        for (let at = row * steps; at < (row + 1) * steps; at++) {
          if (!speaker.say(tokens[at] ?? padToken, scores[at] ?? 0)) break;
        }
        return speaker.result();
      });
    },
    close: () => session.close(),
  };
}
