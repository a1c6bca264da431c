/** What one row has said so far. */
import type { Decoded } from "./decoding.ts";

export interface TokenCollector {
  /** Without an end token. */
  readonly tokens: readonly number[];
  /** False when this was the row's last token. */
  add(token: number, logProbability: number): boolean;
  result(): Decoded;
}

export function createTokenCollector(budget: number, endTokens: readonly number[]): TokenCollector {
  const tokens: number[] = [];
  const logProbabilities: number[] = [];
  let sum = 0;
  let ended = false;
  return {
    tokens,
    add(token, logProbability) {
      sum += logProbability;
      ended = endTokens.includes(token);
      if (!ended) {
        tokens.push(token);
        logProbabilities.push(logProbability);
      }
      return !ended && tokens.length < budget;
    },
    result() {
      const said = tokens.length + (ended ? 1 : 0);
      return { tokens, logProbabilities, score: said === 0 ? 0 : sum / said, truncated: !ended };
    },
  };
}
