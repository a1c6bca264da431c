/**
 * How one row's text is looked for, token by token: greedily, with a beam, or by sampling at a temperature. A search
 * knows no model: it is given the scores of its live nodes and answers what each node says next.
 *
 * This room has what may be said (timestamp-rules.ts, suppression.ts), how scores come (scores.ts), what is believed
 * (fallback.ts), given lists (phrases.ts), and the attempts that a row has (attempts.ts).
 */

import { beginning, type Found, type Hypothesis, likeliestOf, noPrefix, type Prefix, sumOf } from "./found.ts";
import type { NodeScores } from "./scores.ts";
import { allowedAfter, type Candidates, candidates, distribution, type TokenRules } from "./timestamp-rules.ts";

/** What the next run is given: each new node's token, and which node of the last run it goes on from. */
export interface Step {
  tokens: number[];
  parents: number[];
}

export interface Search {
  /** Candidates that each node needs; with `allWords`, scores of all words too. */
  readonly candidates: number;
  readonly allWords: boolean;
  /** Nodes of every run after the first, which has one. */
  readonly nodes: number;
  /** Where it takes the likeliest token every time, a graph that holds the loop can do it. */
  readonly greedy?: Greedy;
  /** Takes the scores of every node; undefined when the search has ended. */
  advance(scores: readonly NodeScores[]): Step | undefined;
  /** The text that is ahead now. */
  ahead(): Pick<Found, "tokens" | "sumLogProbability">;
  /** All texts that the result may begin with: those that go on, and the best of those that have ended. */
  possible(): readonly (readonly number[])[];
  result(): Found;
}

export interface Greedy {
  timestamps: boolean;
  /** Most tokens that may be said. */
  budget: number;
  /** Takes what was said elsewhere, each token with its log-probability, the end's too; false when the search has ended. */
  follow(said: { tokens: readonly number[]; scores: readonly number[]; finished: boolean }): boolean;
}

export interface SearchOptions {
  rules: TokenRules;
  /** Most tokens that may be said, the prefix's among them. */
  budget: number;
  /** Default: none. */
  prefix?: Prefix | undefined;
}

/** As openai-whisper's GreedyDecoder at temperature 0. */
export function createGreedySearch({ rules, budget, prefix = noPrefix }: SearchOptions): Search {
  const said = [...prefix.tokens];
  const saidScores = [...prefix.scores];
  let sum = sumOf(prefix);
  let finished = false;
  return {
    candidates: 1,
    allWords: false,
    nodes: 1,
    greedy: {
      timestamps: rules.timestamps,
      budget,
      follow({ tokens, scores, finished: ended }) {
        said.push(...tokens);
        saidScores.push(...scores.slice(0, tokens.length));
        for (const score of scores) sum = Math.fround(sum + score);
        finished = ended;
        return !finished && said.length < budget;
      },
    },
    advance([scores]) {
      if (scores === undefined) return undefined;
      const { ids, scores: values } = candidates(scores, said, rules, 1);
      sum = Math.fround(sum + (values[0] ?? 0));
      finished = ids[0] === rules.tokens.endOfText;
      if (finished) return undefined;
      said.push(ids[0] ?? 0);
      saidScores.push(values[0] ?? 0);
      return said.length < budget ? { tokens: [ids[0] ?? 0], parents: [0] } : undefined;
    },
    ahead: () => ({ tokens: said, sumLogProbability: sum }),
    possible: () => [said],
    result: () => ({ tokens: said, scores: saidScores, sumLogProbability: sum, finished }),
  };
}

/**
 * As openai-whisper's BeamSearchDecoder with patience 1. Each of `beams` texts proposes its likeliest tokens; texts
 * that end ahead of the last one that is kept are set aside. The search ends with `beams` of them, and the likeliest
 * per token wins.
 */
export function createBeamSearch(options: SearchOptions & { beams: number }): Search {
  const { rules, budget, beams, prefix = noPrefix } = options;
  let live: Hypothesis[] = [beginning(prefix)];
  const ended: Hypothesis[] = [];

  function propose(scores: readonly NodeScores[]): Proposal[] {
    return live.flatMap(({ tokens, trail, sum }, parent) => {
      const node = scores[parent];
      if (node === undefined) return [];
      const { ids, scores: values }: Candidates = candidates(node, tokens, rules, beams + 1);
      return Array.from(ids, (token, place) => {
        const score = values[place] ?? 0;
        return { ...{ tokens, trail, token, score, parent }, sum: Math.fround(sum + score) };
      });
    });
  }

  return {
    candidates: beams + 1,
    allWords: false,
    nodes: beams,
    advance(scores) {
      const kept: Proposal[] = [];
      // Sorting is stable: equal sums stay in the order of the beams, as in the official code.
      for (const proposal of propose(scores).toSorted((a, b) => b.sum - a.sum)) {
        if (proposal.token !== rules.tokens.endOfText) kept.push(proposal);
        else if (ended.length < beams) ended.push(proposal);
        if (kept.length === beams) break;
      }
      live = kept.map(({ tokens, trail, token, score, sum }) => ({
        ...{ tokens: [...tokens, token], trail: { score, before: trail }, sum },
      }));
      if (ended.length >= beams || (live[0]?.tokens.length ?? budget) >= budget) return undefined;
      return { tokens: kept.map(({ token }) => token), parents: kept.map(({ parent }) => parent) };
    },
    ahead: () => ({ tokens: live[0]?.tokens ?? [], sumLogProbability: live[0]?.sum ?? 0 }),
    possible() {
      const best = likeliestOf(ended.map((text) => ({ ...text, finished: true })));
      return [...live.map(({ tokens }) => tokens), ...(ended.length > 0 ? [best.tokens] : [])];
    },
    result() {
      const open = live.toSorted((a, b) => b.sum - a.sum).slice(0, Math.max(0, beams - ended.length));
      return likeliestOf([
        ...ended.map((text) => ({ ...text, finished: true })),
        ...open.map((text) => ({ ...text, finished: false })),
      ]);
    },
  };
}

/** A token more for one of the texts that go on. */
interface Proposal extends Hypothesis {
  parent: number;
  token: number;
  /** Of the token. */
  score: number;
}

/** As openai-whisper's GreedyDecoder above temperature 0 with `best_of`: several texts are sampled, of which the likeliest per token wins. */
export function createSampling(
  options: SearchOptions & { bestOf: number; temperature: number; random: () => number },
): Search {
  const { rules, budget, bestOf, temperature, random } = options;
  const texts = Array.from({ length: bestOf }, () => ({ ...beginning(options.prefix ?? noPrefix), finished: false }));
  return {
    candidates: 1,
    allWords: true,
    nodes: bestOf,
    advance(scores) {
      for (const [index, text] of texts.entries()) {
        const node = scores[Math.min(index, scores.length - 1)];
        if (text.finished || node === undefined) continue;
        const [token, score] = sampleToken(node, text.tokens, rules, temperature, random());
        text.sum += score;
        if (token === rules.tokens.endOfText) text.finished = true;
        else {
          text.tokens.push(token);
          text.trail = { score, before: text.trail };
        }
      }
      if (texts.every(({ finished, tokens }) => finished || tokens.length >= budget)) return undefined;
      // A text that has ended goes along, and nothing more is asked of it.
      const tokens = texts.map((text) => text.tokens.at(-1) ?? rules.tokens.endOfText);
      const parents = texts.map((_, index) => (scores.length === 1 ? 0 : index));
      return { tokens, parents };
    },
    ahead: () => likeliestOf(texts),
    possible: () => texts.map(({ tokens }) => tokens),
    result: () => likeliestOf(texts),
  };
}

/** A sampled token, and its log-probability at temperature 1. */
function sampleToken(
  scores: NodeScores,
  said: readonly number[],
  rules: TokenRules,
  temperature: number,
  random: number,
): [number, number] {
  const { total, wordsAllowed, rest } = distribution(scores, allowedAfter(said, rules), rules);
  const words = wordsAllowed && scores.words !== undefined ? scores.words : new Float32Array();
  const weights = new Float64Array(words.length + rest.length);
  let sum = 0;
  for (const [part, first] of [
    [words, 0],
    [rest, words.length],
  ] as const) {
    for (let index = 0; index < part.length; index++) {
      const weight = Math.exp(((part[index] ?? 0) - total) / temperature);
      weights[first + index] = weight;
      sum += weight;
    }
  }
  let left = random * sum;
  let chosen: number | undefined;
  for (let place = 0; place < weights.length; place++) {
    const weight = weights[place] ?? 0;
    if (weight === 0) continue;
    chosen = place;
    left -= weight;
    if (left <= 0) break;
  }
  if (chosen === undefined) return [rules.tokens.endOfText, 0];
  if (chosen < words.length) return [chosen, (words[chosen] ?? 0) - total];
  const behind = chosen - words.length;
  return [rules.tokens.endOfText + behind, (rest[behind] ?? 0) - total];
}
