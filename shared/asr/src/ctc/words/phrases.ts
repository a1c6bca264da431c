/**
 * Phrase lists: the answer is the phrase that makes the audio likeliest, by CTC's forward likelihood, without a search.
 *
 * A phrase is scored by its phones, over all pronunciations of its words; a phrase with a word that the lexicon lacks by
 * its letters. So that the two can be compared, each is taken relative to the best that its head says freely.
 */
import { SpeechError } from "@parlance/contracts";
import type { Turns } from "@parlance/inference";
import { BLANK, type Emissions, SEPARATOR } from "../emissions/emissions.ts";
import { labelLikelihood } from "../emissions/forward.ts";
import { decodeGreedily } from "../emissions/greedy.ts";
import { logAdd } from "../emissions/log-add.ts";
import { type Lexicon, labelsTo } from "../language/lexicon.ts";
import type { Vocabulary } from "../language/vocabulary.ts";
import { createPhraseGraph, type PhraseGraph, phraseLikelihood } from "./phrase-graph.ts";
import type { Spelling } from "./spelling.ts";
import { toSpokenWords } from "./spoken-form.ts";

export interface PhraseOptions {
  lexicon: Lexicon | undefined;
  vocabulary: Vocabulary;
  spelling: Spelling | undefined;
}

export interface PhraseEmissions {
  phones: Emissions | undefined;
  characters: Emissions | undefined;
}

/** A phrase as labels of one head: for each word its pronunciations, or its one spelling. */
interface SpelledPhrase {
  phrase: string;
  head: keyof PhraseEmissions;
  words: number[][][];
  graph: PhraseGraph;
}

export interface ChosenPhrase extends SpelledPhrase {
  /** Log of the phrase's probability among all in the list. */
  logPosterior: number;
}

/** A phrase this far (natural log) behind the best so far is given up: it would add nothing to the sum of all. */
const HOPELESS = 40;
const MOST_REMEMBERED = 10_000;
/** Frames times nodes between two points at which a choice may be left: some ten milliseconds at most. */
const TURN = 1 << 18;
const NONE = Number.NEGATIVE_INFINITY;
const letters = new Set("abcdefghijklmnopqrstuvwxyz'");

/**
 * The likeliest of the phrases, or undefined when nothing was said or no phrase fits so little audio.
 * Throws a SpeechError that names the first phrase that the model cannot say.
 */
export type PhraseChooser = (emissions: PhraseEmissions, phrases: readonly string[]) => Turns<ChosenPhrase | undefined>;

export function createPhraseChooser(options: PhraseOptions): PhraseChooser {
  const { lexicon, vocabulary, spelling } = options;
  const remembered = new Map<string, SpelledPhrase>();

  function pronounce(word: string): number[][] {
    const id = vocabulary.findText(word);
    if (lexicon === undefined || id === -1 || id + 1 >= lexicon.firstEnd.length) return [];
    const ends = lexicon.ends.subarray(lexicon.firstEnd[id], lexicon.firstEnd[id + 1]);
    return Array.from(ends, (end) => labelsTo(lexicon, end));
  }

  function spell(phrase: string): SpelledPhrase {
    const known = remembered.get(phrase);
    if (known !== undefined) return known;
    const said = toSpokenWords(phrase, spelling?.alphabet ?? letters) ?? [];
    const pronounced = said.map(pronounce);
    const byPhones = pronounced.every((ways) => ways.length > 0);
    const words = byPhones ? pronounced : said.map((word) => [spelling?.spell([word]) ?? []]);
    if (words.length === 0 || words.some(([first]) => first === undefined || first.length === 0)) {
      throw new SpeechError("validation_failed", `phrases: the model cannot say ${JSON.stringify(phrase)}`, {
        param: "phrases",
      });
    }
    const head = byPhones ? "phones" : "characters";
    const spelled: SpelledPhrase = { phrase, head, words, graph: createPhraseGraph(words) };
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(phrase, spelled);
    return spelled;
  }

  return function* (emissions, phrases) {
    const distinct = [...new Set(phrases)].map(spell);
    const free = { phones: freely(emissions.phones), characters: freely(emissions.characters) };
    if (!(free.phones?.speech ?? free.characters?.speech ?? false)) return undefined;
    let total = NONE;
    let bestScore = NONE;
    let best: SpelledPhrase | undefined;
    let work = 0;
    for (const candidate of distinct) {
      const heard = emissions[candidate.head];
      const freePath = free[candidate.head];
      if (heard === undefined || freePath === undefined) continue;
      work += heard.frames * candidate.graph.labels.length;
      if (work > TURN) {
        yield;
        work = 0;
      }
      const giveUp = { free: freePath.scores, behind: HOPELESS - bestScore };
      const score = phraseLikelihood(heard, candidate.graph, giveUp) - freePath.score;
      total = logAdd(total, score);
      if (score <= bestScore) continue;
      bestScore = score;
      best = candidate;
    }
    return best === undefined ? undefined : { ...best, logPosterior: Math.min(0, bestScore - total) };
  };
}

/** Of the ways to say a phrase, the likeliest, as one sequence of labels: found word by word, the others at their first. */
export function likeliestWay(heard: Emissions, { words }: Pick<SpelledPhrase, "words">): number[] {
  const chosen = words.map(([first = []]) => first);
  const join = () => chosen.flatMap((labels, index) => (index === 0 ? labels : [SEPARATOR, ...labels]));
  for (const [index, ways] of words.entries()) {
    if (ways.length < 2) continue;
    let best = NONE;
    let likeliest = chosen[index] ?? [];
    for (const way of ways) {
      chosen[index] = way;
      const score = labelLikelihood(heard, join());
      if (score > best) {
        best = score;
        likeliest = way;
      }
    }
    chosen[index] = likeliest;
  }
  return join();
}

interface FreePath {
  score: number;
  scores: Float64Array;
  speech: boolean;
}

function freely(emissions: Emissions | undefined): FreePath | undefined {
  if (emissions === undefined) return undefined;
  const { score, scores, labels } = decodeGreedily(emissions);
  return { score, scores, speech: labels.some((label) => label !== BLANK && label !== SEPARATOR) };
}
