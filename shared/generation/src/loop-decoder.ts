/**
 * Greedy decoding with the loop in the graph, for devices on which keys and values must stay.
 *
 * They cannot stay from one run to the next, so a run says so many tokens and the next one reads them again behind their
 * prompts: one more reading of the prompts for each 64 tokens, and rows that wait join at no further cost.
 */
import { createSession, float32Output, integerOutput, type SessionOptions } from "@parlance/inference";
import type { Decoder } from "./decoding.ts";
import { int64Tensor, makePromptBatch, type PromptBatchOptions, type PromptRow } from "./prompt-batch.ts";
import { createTokenCollector, type TokenCollector } from "./token-collector.ts";

export interface LoopDecoderOptions extends SessionOptions, PromptBatchOptions {
  graph: string;
  endTokens: readonly number[];
  /** Rows that are decoded together. */
  mostRows: number;
  /** That a row says before others may have the device. Default 64: about half of what 25 s of speech come to. */
  tokensPerRun?: number | undefined;
}

interface Speaking {
  prompt: PromptRow;
  collector: TokenCollector;
}

const TOKENS_PER_RUN = 64;

export async function createLoopDecoder(options: LoopDecoderOptions): Promise<Decoder> {
  const { graph, endTokens, padToken, mostRows, tokensPerRun = TOKENS_PER_RUN } = options;
  const session = await createSession(graph, options);

  /** One run: what each row says of it, in order. False where a row has ended. */
  async function run(rows: readonly Speaking[]): Promise<boolean[]> {
    const prompts = rows.map(({ prompt, collector: { tokens } }) => ({
      ...prompt,
      tokens: [...prompt.tokens, ...tokens],
      budget: Math.min(tokensPerRun, prompt.budget - tokens.length),
    }));
    const outputs = await session.run({
      ...makePromptBatch(prompts, options).inputs,
      budgets: int64Tensor(
        prompts.map(({ budget }) => budget),
        [rows.length],
      ),
      end_tokens: int64Tensor(endTokens, [endTokens.length]),
    });
    const tokens = integerOutput(outputs, "tokens");
    const scores = float32Output(outputs, "log_probabilities");
    const steps = tokens.length / rows.length;
    return rows.map(({ collector }, row) => {
      const { budget = 0 } = prompts[row] ?? {};
      for (let at = row * steps; at < row * steps + budget; at++) {
        if (!collector.add(tokens[at] ?? padToken, scores[at] ?? 0)) return false;
      }
      return true;
    });
  }

  return {
    refills: true,
    steps: false,
    samples: false,
    async decode({ take, isOpen, hear, end, giveWay }) {
      const speaking = new Map<number, Speaking>();
      for (;;) {
        for (const row of speaking.keys()) if (!isOpen(row)) speaking.delete(row);
        const places = mostRows - speaking.size;
        for (const { row, prompt } of places > 0 ? await take(places) : []) {
          speaking.set(row, { prompt, collector: createTokenCollector(prompt.budget, endTokens) });
        }
        if (speaking.size === 0) return;
        const rows = [...speaking];
        const goOn = await run(rows.map(([, one]) => one));
        for (const [index, [row, { collector }]] of rows.entries()) {
          hear(row, collector.tokens);
          if (goOn[index] === true) continue;
          speaking.delete(row);
          await end(row, collector.result());
        }
        await giveWay();
      }
    },
    close: () => session.close(),
  };
}
