/**
 * The likeliest of a list of phrases: each is said to the model token by token, and the model says how likely that is.
 * Whisper writes "Yes." where a list has "yes", so a phrase counts with a capital and a full stop too.
 */
import { logSumExp, type NodeScores } from "./scores.ts";
import type { Search } from "./search.ts";

/** Phrases that are said side by side in one run. */
const NODES = 32;

/** The ways in which a phrase may be written. */
export function spellings(phrase: string): string[] {
  const plain = phrase.trim();
  const capital = plain.charAt(0).toUpperCase() + plain.slice(1);
  const all = [plain, capital].flatMap((text) => (/[\p{L}\p{N}]$/u.test(text) ? [text, `${text}.`] : [text]));
  return [...new Set(all)];
}

/** The first phrase that has more than `room` tokens in one of its spellings. */
export function phraseBeyond(
  room: number,
  phrases: readonly string[],
  encode: (text: string) => number[],
): string | undefined {
  const tokens = (phrase: string) => Math.max(...spellings(phrase).map((text) => encode(` ${text}`).length));
  // A text has at most as many tokens as bytes, and a spelling two bytes more than its phrase: most need not be counted.
  return phrases.find((phrase) => Buffer.byteLength(phrase) + 2 > room && tokens(phrase) > room);
}

export interface LikelihoodSearch extends Pick<Search, "candidates" | "allWords" | "nodes" | "advance"> {
  /** Log-probability of each text. */
  likelihoods(): number[];
}

/** Says given texts and no others. At most `NODES` of them. */
export function createLikelihoodSearch(texts: readonly (readonly number[])[], endOfText: number): LikelihoodSearch {
  const sums = texts.map(() => 0);
  let place = 0;
  return {
    candidates: 1,
    allWords: true,
    nodes: texts.length,
    advance(scores) {
      for (const [index, text] of texts.entries()) {
        const node = scores[Math.min(index, scores.length - 1)];
        if (node === undefined || place > text.length) continue;
        sums[index] = (sums[index] ?? 0) + logProbability(node, text[place] ?? endOfText, endOfText);
      }
      const parents = texts.map((_, index) => (scores.length === 1 ? 0 : index));
      const tokens = texts.map((text) => text[place] ?? endOfText);
      place++;
      return texts.some((text) => place <= text.length) ? { tokens, parents } : undefined;
    },
    likelihoods: () => sums,
  };
}

function logProbability({ words, rest, wordTotal }: NodeScores, token: number, endOfText: number): number {
  const score = (token < endOfText ? words?.[token] : rest[token - endOfText]) ?? Number.NEGATIVE_INFINITY;
  return score - logSumExp([wordTotal, logSumExp(rest)]);
}

export interface PhraseChoice {
  /** Place in the list. */
  index: number;
  /** Tokens of its likeliest spelling. */
  tokens: number[];
  /** Of its probability among all phrases of the list. */
  logProbability: number;
}

/** `likelihoods` answers the log-probabilities of some texts. */
export async function choosePhrase(
  phrases: readonly string[],
  encode: (text: string) => number[],
  likelihoods: (texts: readonly number[][]) => Promise<number[]>,
): Promise<PhraseChoice> {
  const ways = phrases.flatMap((phrase, index) =>
    spellings(phrase).map((text) => ({ index, tokens: encode(` ${text}`) })),
  );
  const values: number[] = [];
  for (let from = 0; from < ways.length; from += NODES) {
    values.push(...(await likelihoods(ways.slice(from, from + NODES).map(({ tokens }) => tokens))));
  }
  const totals = phrases.map((_, index) => logSumExp(values.filter((_, way) => ways[way]?.index === index)));
  const index = totals.indexOf(Math.max(...totals));
  const own = [...ways.keys()].filter((way) => ways[way]?.index === index);
  const best = own.reduce((a, b) => ((values[b] ?? 0) > (values[a] ?? 0) ? b : a));
  return { index, tokens: ways[best]?.tokens ?? [], logProbability: (totals[index] ?? 0) - logSumExp(totals) };
}
