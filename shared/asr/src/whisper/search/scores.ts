/**
 * What a decoder says about the next token, in short: the likeliest words, the weight of all words together, and every
 * other token's score. That is all that the rules below need, and much less than a vocabulary of scores.
 */

/** Scores of words, and of all tokens from the end of text on. */
export interface AllScores {
  words: Float32Array;
  rest: Float32Array;
}

export interface NodeScores {
  /** The likeliest words, best first. */
  wordIds: Int32Array;
  /** Their log-probabilities among words. */
  wordScores: Float32Array;
  /** Log of the sum of the exponentials of all words' scores. */
  wordTotal: number;
  /** Scores of all tokens from the end of text on. */
  rest: Float32Array;
  /** All words' scores, suppressed words at -Infinity; only where they were asked for. */
  words?: Float32Array | undefined;
}

/** The short form of all scores of a token. `bias` is added to the words. */
export function summarise(all: AllScores, bias: Float32Array, count: number, keepWords: boolean): NodeScores {
  const words = new Float32Array(bias.length);
  let highest = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < words.length; id++) {
    const score = (all.words[id] ?? 0) + (bias[id] ?? 0);
    words[id] = score;
    if (score > highest) highest = score;
  }
  let sum = 0;
  for (let id = 0; id < words.length; id++) {
    const below = (words[id] ?? 0) - highest;
    // What is smaller adds nothing that single precision could hold, and exponentials are what takes the time here.
    if (below > NEGLIGIBLE) sum += Math.exp(below);
  }
  const wordTotal = highest + Math.log(sum);
  const wordIds = likeliest(words, count);
  const wordScores = Float32Array.from(wordIds, (id) => (words[id] ?? 0) - wordTotal);
  return { wordIds, wordScores, wordTotal, rest: all.rest, words: keepWords ? words : undefined };
}

const NEGLIGIBLE = -30;

/** Ids of the highest scores, best first; the lower id first among equals. */
export function likeliest(scores: Float32Array, count: number): Int32Array {
  const best: number[] = [];
  let lowest = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id] ?? 0;
    if (best.length === count && score <= lowest) continue;
    let place = best.length;
    while (place > 0 && (scores[best[place - 1] ?? 0] ?? 0) < score) place--;
    best.splice(place, 0, id);
    if (best.length > count) best.pop();
    lowest = scores[best.at(-1) ?? 0] ?? 0;
  }
  return Int32Array.from(best);
}

export function logSumExp(values: ArrayLike<number>): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) highest = Math.max(highest, values[index] ?? highest);
  if (highest === Number.NEGATIVE_INFINITY) return highest;
  let sum = 0;
  for (let index = 0; index < values.length; index++) {
    const below = (values[index] ?? Number.NEGATIVE_INFINITY) - highest;
    if (below > NEGLIGIBLE) sum += Math.exp(below);
  }
  return highest + Math.log(sum);
}
