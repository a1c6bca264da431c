/**
 * How the next token is chosen from a graph's scores: what transformers does, in its order (`_get_logits_processor`):
 * repetition penalty, suppressed tokens, then, unless the likeliest is taken, temperature, top-k and top-p.
 *
 * Each row has a sampler of its own, and its n-th draw depends on its seed and n alone: the rows beside it change nothing.
 */

export interface SamplingOptions {
  /** Scores are divided by it; 0: the likeliest token is taken, always. Default 1. */
  temperature?: number;
  /** The so many likeliest tokens stay, with those that are as likely as the last of them; 0: all. Default 0. */
  topK?: number;
  /** Of the likeliest tokens those stay that make up this part of the probability; 1: all. Default 1. */
  topP?: number;
  /** Scores of tokens that were said are divided by it, negative ones multiplied. Default 1. */
  repetitionPenalty?: number;
  /** Never chosen. */
  suppressed?: readonly number[];
}

export interface Chosen {
  token: number;
  /** Of the token among those that could be drawn, natural log; where the likeliest is taken, among all. */
  logProbability: number;
}

export interface Sampler {
  /** `said`: tokens that the penalty is for. */
  choose(scores: Float32Array, said: Iterable<number>): Chosen;
}

/** `seed`: any whole number. */
export function createSampler(options: SamplingOptions, seed: number): Sampler {
  let draws = 0;
  return {
    choose(scores, said) {
      const processed = processScores(scores, said, options);
      if (options.temperature === 0) return likeliest(processed);
      return draw(processed, uniform(seed, draws++));
    },
  };
}

/** The scores that a token is drawn by, those that cannot be drawn at minus infinity. float32 as transformers has them. */
export function processScores(
  scores: Float32Array,
  said: Iterable<number>,
  { temperature = 1, topK = 0, topP = 1, repetitionPenalty = 1, suppressed = [] }: SamplingOptions,
): Float32Array {
  const processed = scores.slice();
  if (repetitionPenalty !== 1) {
    const penalty = Math.fround(repetitionPenalty);
    for (const token of new Set(said)) {
      const score = processed[token];
      if (score !== undefined) processed[token] = score < 0 ? score * penalty : score / penalty;
    }
  }
  for (const token of suppressed) if (token < processed.length) processed[token] = Number.NEGATIVE_INFINITY;
  if (temperature === 0) return processed;
  if (temperature !== 1) {
    const divisor = Math.fround(temperature);
    for (let token = 0; token < processed.length; token++) processed[token] = (processed[token] ?? 0) / divisor;
  }
  if (topK > 0) keepTopK(processed, topK);
  if (topP < 1) keepTopP(processed, topP);
  return processed;
}

function keepTopK(scores: Float32Array, topK: number): void {
  if (topK >= scores.length) return;
  const least = scores.toSorted()[scores.length - topK] ?? Number.NEGATIVE_INFINITY;
  for (let token = 0; token < scores.length; token++) {
    if ((scores[token] ?? 0) < least) scores[token] = Number.NEGATIVE_INFINITY;
  }
}

/** From the least likely on tokens go as long as all that have gone make up no more than `1 - topP`; the likeliest stays. */
function keepTopP(scores: Float32Array, topP: number): void {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  const probabilities = exponentials(scores);
  const most = (1 - topP) * probabilities.sum;
  let gone = 0;
  for (const token of order.subarray(0, -1)) {
    gone += probabilities.values[token] ?? 0;
    if (gone > most) return;
    scores[token] = Number.NEGATIVE_INFINITY;
  }
}

/** e to the scores, over that of the largest. */
function exponentials(scores: Float32Array): { values: Float64Array; sum: number; largest: number } {
  let largest = Number.NEGATIVE_INFINITY;
  for (let token = 0; token < scores.length; token++) largest = Math.max(largest, scores[token] ?? 0);
  const values = new Float64Array(scores.length);
  let sum = 0;
  // Vocabularies are large: iterators take several times as long.
  for (let token = 0; token < scores.length; token++) {
    const value = Math.exp((scores[token] ?? 0) - largest);
    values[token] = value;
    sum += value;
  }
  return { values, sum, largest };
}

/** The token with the largest score; of several the first. */
export function likeliest(scores: Float32Array): Chosen {
  let token = 0;
  for (let other = 1; other < scores.length; other++) if ((scores[other] ?? 0) > (scores[token] ?? 0)) token = other;
  if (scores[token] === Number.NEGATIVE_INFINITY) throw new RangeError("there is no token to choose");
  return { token, logProbability: -Math.log(exponentials(scores).sum) };
}

/** The token at which the probabilities, summed up in order, pass `at`, which is from 0 to below 1. */
export function draw(scores: Float32Array, at: number): Chosen {
  const { values, sum, largest } = exponentials(scores);
  let left = at * sum;
  let token = -1;
  for (let other = 0; other < values.length; other++) {
    const value = values[other] ?? 0;
    if (!(value > 0)) continue;
    token = other;
    left -= value;
    if (left < 0) break;
  }
  if (token === -1) throw new RangeError("there is no token to choose");
  return { token, logProbability: (scores[token] ?? 0) - largest - Math.log(sum) };
}

/** The n-th number of a seed, from 0 to below 1: a hash of both (the finaliser of MurmurHash3), 53 bits. */
export function uniform(seed: number, n: number): number {
  const low = seed >>> 0;
  const high = Math.floor(seed / 2 ** 32) >>> 0;
  const begin = mix(mix(mix(low ^ 0x9e37_79b9) ^ high) ^ n);
  return (mix(begin ^ 0x85eb_ca6b) * 2 ** 21 + (mix(begin ^ 0xc2b2_ae35) >>> 11)) / 2 ** 53;
}

function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
