/**
 * Which tokens may come next, as openai-whisper's logit filters say (suppress blank, suppress tokens, timestamp rules).
 * Timestamps come in pairs, or one before the end. They never go back, and a text begins with one, at most a second in.
 * When all timestamps together are likelier than any other token, one of them it is.
 */
import { likeliest, logSumExp, type NodeScores } from "./scores.ts";

export interface RuleTokens {
  endOfText: number;
  noTimestamps: number;
  firstTimestamp: number;
}

export interface TokenRules {
  tokens: RuleTokens;
  /** Control tokens that are never said. */
  suppressed: ReadonlySet<number>;
  /** Without timestamps, nothing but suppression applies: the official code lets a model say them even then. */
  timestamps: boolean;
  /** Highest timestamp, counted from 0, that a text may begin with. */
  maxInitialTimestamp: number;
}

/** Ids that a text of `said` tokens may go on with. */
export interface Allowed {
  words: boolean;
  endOfText: boolean;
  /** Control tokens between the end of text and the first timestamp. */
  others: boolean;
  /** First and last timestamp that may come, as tokens; none when first > last. */
  timestamps: [first: number, last: number];
}

export function allowedAfter(said: readonly number[], rules: TokenRules): Allowed {
  const { firstTimestamp } = rules.tokens;
  const first = said.length === 0;
  if (!rules.timestamps) {
    return { words: true, endOfText: !first, others: true, timestamps: [firstTimestamp, Number.POSITIVE_INFINITY] };
  }
  if (first) {
    const last = firstTimestamp + rules.maxInitialTimestamp;
    return { words: false, endOfText: false, others: false, timestamps: [firstTimestamp, last] };
  }
  const isTimestamp = (token: number | undefined) => token !== undefined && token >= firstTimestamp;
  const lastWas = isTimestamp(said.at(-1));
  const penultimateWas = said.length < 2 || isTimestamp(said.at(-2));
  const latest = said.findLast((token) => token >= firstTimestamp);
  // One that closes a text may be said again as the beginning of the next; any other must be later.
  const from = latest === undefined ? firstTimestamp : lastWas && !penultimateWas ? latest : latest + 1;
  return {
    words: !(lastWas && !penultimateWas),
    endOfText: true,
    others: true,
    timestamps: lastWas && penultimateWas ? [1, 0] : [from, Number.POSITIVE_INFINITY],
  };
}

export interface Candidates {
  /** Likeliest first. */
  ids: Int32Array;
  /** Log-probabilities among all that is allowed. */
  scores: Float32Array;
}

/** The distribution of the next token under the rules. */
export interface Distribution {
  /** Log of the sum of the exponentials of all allowed tokens' scores. */
  total: number;
  wordsAllowed: boolean;
  /** Scores from the end of text on; -Infinity where not allowed. */
  rest: Float32Array;
}

export function distribution(scores: NodeScores, allowed: Allowed, rules: TokenRules): Distribution {
  const { endOfText, noTimestamps, firstTimestamp } = rules.tokens;
  const rest = scores.rest.slice();
  const forbid = (token: number) => {
    rest[token - endOfText] = Number.NEGATIVE_INFINITY;
  };
  for (const token of rules.suppressed) forbid(token);
  if (!allowed.endOfText) forbid(endOfText);
  if (rules.timestamps) forbid(noTimestamps);
  if (!allowed.others) for (let token = endOfText + 1; token < firstTimestamp; token++) forbid(token);
  const [from, to] = allowed.timestamps;
  for (let token = firstTimestamp; token < endOfText + rest.length; token++) {
    if (token < from || token > to) forbid(token);
  }
  const texts = rest.subarray(0, firstTimestamp - endOfText);
  const timestamps = rest.subarray(firstTimestamp - endOfText);
  const timestampTotal = logSumExp(timestamps);
  const wordTotal = allowed.words ? scores.wordTotal : Number.NEGATIVE_INFINITY;
  if (rules.timestamps) {
    const bestWord = allowed.words
      ? (scores.wordScores[0] ?? Number.NEGATIVE_INFINITY) + scores.wordTotal
      : Number.NEGATIVE_INFINITY;
    if (timestampTotal > Math.max(bestWord, ...texts)) {
      texts.fill(Number.NEGATIVE_INFINITY);
      return { total: timestampTotal, wordsAllowed: false, rest };
    }
  }
  return { total: logSumExp([wordTotal, logSumExp(texts), timestampTotal]), wordsAllowed: allowed.words, rest };
}

/** The likeliest next tokens. */
export function candidates(scores: NodeScores, said: readonly number[], rules: TokenRules, count: number): Candidates {
  const { total, wordsAllowed, rest } = distribution(scores, allowedAfter(said, rules), rules);
  const { endOfText } = rules.tokens;
  const words = wordsAllowed ? Math.min(count, scores.wordIds.length) : 0;
  const others = likeliest(rest, count);
  const ids = new Int32Array(Math.min(count, words + others.length));
  const values = new Float32Array(ids.length);
  for (let place = 0, word = 0, other = 0; place < ids.length; place++) {
    const wordScore = word < words ? (scores.wordScores[word] ?? 0) + scores.wordTotal : Number.NEGATIVE_INFINITY;
    const otherScore = other < others.length ? (rest[others[other] ?? 0] ?? 0) : Number.NEGATIVE_INFINITY;
    if (word < words && wordScore >= otherScore) {
      ids[place] = scores.wordIds[word++] ?? 0;
      values[place] = wordScore - total;
    } else {
      ids[place] = endOfText + (others[other++] ?? 0);
      values[place] = otherScore - total;
    }
  }
  return { ids, scores: values };
}
