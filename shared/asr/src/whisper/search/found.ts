/** A text as a search finds it, with the log-probability of each of its tokens. */

/** Log-probabilities of the tokens that a text came by, the last one first: texts that part share what lies before. */
export interface Trail {
  score: number;
  before: Trail | undefined;
}

/** What an attempt begins from: tokens that were said before, and the log-probability of each. */
export interface Prefix {
  tokens: readonly number[];
  scores: readonly number[];
}

export const noPrefix: Prefix = { tokens: [], scores: [] };

export interface Found {
  tokens: number[];
  /** Log-probability of each token. */
  scores: number[];
  /** Natural log of the tokens' joint probability, the end of text included. */
  sumLogProbability: number;
  /** False when the budget ended before the text did. */
  finished: boolean;
}

/** A text that is being said. */
export interface Hypothesis {
  tokens: number[];
  trail: Trail | undefined;
  sum: number;
}

/** Where every text of an attempt begins. */
export const beginning = (prefix: Prefix): Hypothesis => ({
  tokens: [...prefix.tokens],
  trail: prefix.scores.reduce<Trail | undefined>((before, score) => ({ score, before }), undefined),
  sum: sumOf(prefix),
});

/** In single precision, as sums go on. */
export function sumOf({ scores }: Prefix): number {
  return scores.reduce((sum, score) => Math.fround(sum + score), 0);
}

function scoresOf(trail: Trail | undefined): number[] {
  const scores: number[] = [];
  for (let at = trail; at !== undefined; at = at.before) scores.push(at.score);
  return scores.reverse();
}

/** The likeliest per token. */
export function likeliestOf(texts: readonly (Hypothesis & { finished: boolean })[]): Found {
  let best: (Hypothesis & { finished: boolean }) | undefined;
  let highest = Number.NEGATIVE_INFINITY;
  for (const text of texts) {
    const score = text.sum / Math.max(1, text.tokens.length);
    if (score > highest) [highest, best] = [score, text];
  }
  if (best === undefined)
    return { tokens: [], scores: [], sumLogProbability: Number.NEGATIVE_INFINITY, finished: false };
  return { tokens: best.tokens, scores: scoresOf(best.trail), sumLogProbability: best.sum, finished: best.finished };
}
