/** What a way of decoding answers, whichever graphs it runs. */
import type { PromptRow } from "./prompt-batch.ts";

export interface Decoded {
  /** Without the end token. */
  tokens: number[];
  /** Mean log-probability of the tokens, the end token included, natural log. */
  score: number;
  /** True when the budget was used up before an end token came. */
  truncated: boolean;
}

export interface GreedyDecoder {
  /** One answer for each row, in order. */
  decode(rows: readonly PromptRow[]): Promise<Decoded[]>;
  /** Log-probability of each continuation of a prompt, natural log. Absent where the graphs cannot tell. */
  weigh?(row: PromptRow, continuations: readonly (readonly number[])[]): Promise<number[]>;
  close(): Promise<void>;
}

/** What one row has said so far. */
export interface TokenCollector {
  /** False when this was the row's last token. */
  add(token: number, logProbability: number): boolean;
  result(): Decoded;
}

export function createTokenCollector(budget: number, endTokens: readonly number[]): TokenCollector {
  const tokens: number[] = [];
  let sum = 0;
  let ended = false;
  return {
    add(token, logProbability) {
      sum += logProbability;
      ended = endTokens.includes(token);
      if (!ended) tokens.push(token);
      return !ended && tokens.length < budget;
    },
    result() {
      const said = tokens.length + (ended ? 1 : 0);
      return { tokens, score: said === 0 ? 0 : sum / said, truncated: !ended };
    },
  };
}
