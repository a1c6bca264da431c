/**
 * Phrase lists: the answer is the phrase that makes the audio likeliest, by CTC's forward likelihood, without a search.
 *
 * A phrase is scored by its phones, over all pronunciations of its words; a phrase with a word that the lexicon lacks by
 * its letters. So that the two can be compared, each is taken relative to the best that its head says freely.
 */
import { SpeechError } from "@parlance/contracts";
import { BLANK, type Emissions, SEPARATOR } from "./emissions.ts";
import { labelLikelihood } from "./forward.ts";
import { decodeGreedily } from "./greedy.ts";
import { type Lexicon, labelsTo } from "./lexicon.ts";
import { logAdd } from "./log-add.ts";
import type { Spelling } from "./spelling.ts";
import { toSpokenWords } from "./spoken-form.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface PhraseOptions {
  lexicon: Lexicon | undefined;
  vocabulary: Vocabulary;
  spelling: Spelling | undefined;
}

export interface PhraseEmissions {
  phones: Emissions | undefined;
  characters: Emissions | undefined;
}

export interface ChosenPhrase {
  phrase: string;
  /** Log of the phrase's probability among all in the list. */
  logPosterior: number;
  /** How it was said: labels of one head. */
  head: keyof PhraseEmissions;
  labels: number[];
}

/** One phrase as labels: by phones, one sequence for each way to say it; by characters, a single one. */
interface SpelledPhrase {
  head: keyof PhraseEmissions;
  ways: number[][];
}

/** A phrase of many ambiguous words could be said in thousands of ways. */
const MOST_WAYS = 16;
const MOST_REMEMBERED = 10_000;
const letters = new Set("abcdefghijklmnopqrstuvwxyz'");

/** The likeliest of the phrases, or undefined when nothing was said or no phrase fits so little audio. */
export type PhraseChooser = (emissions: PhraseEmissions, phrases: readonly string[]) => ChosenPhrase | undefined;

export function createPhraseChooser(options: PhraseOptions): PhraseChooser {
  const { lexicon, vocabulary, spelling } = options;
  const remembered = new Map<string, SpelledPhrase>();

  function pronounce(word: string): number[][] {
    const id = vocabulary.findText(word);
    if (lexicon === undefined || id === -1 || id + 1 >= lexicon.firstEnd.length) return [];
    const ends = lexicon.ends.subarray(lexicon.firstEnd[id], lexicon.firstEnd[id + 1]);
    return Array.from(ends, (end) => labelsTo(lexicon, end));
  }

  /** Throws a SpeechError that names the phrase when no head can say it. */
  function spell(phrase: string): SpelledPhrase {
    const known = remembered.get(phrase);
    if (known !== undefined) return known;
    const words = toSpokenWords(phrase, spelling?.alphabet ?? letters);
    const spelled = words === undefined ? undefined : (byPhones(words) ?? byCharacters(words));
    if (spelled === undefined) {
      throw new SpeechError("validation_failed", `phrases: the model cannot say ${JSON.stringify(phrase)}`, {
        param: "phrases",
      });
    }
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(phrase, spelled);
    return spelled;
  }

  function byPhones(words: readonly string[]): SpelledPhrase | undefined {
    let ways: number[][] = [[]];
    for (const [index, word] of words.entries()) {
      const pronunciations = pronounce(word);
      if (pronunciations.length === 0) return undefined;
      const said = ways.length * pronunciations.length > MOST_WAYS ? pronunciations.slice(0, 1) : pronunciations;
      const before = index === 0 ? [] : [SEPARATOR];
      ways = ways.flatMap((way) => said.map((pronunciation) => [...way, ...before, ...pronunciation]));
    }
    return { head: "phones", ways };
  }

  function byCharacters(words: readonly string[]): SpelledPhrase | undefined {
    const labels = spelling?.spell(words);
    return labels === undefined ? undefined : { head: "characters", ways: [labels] };
  }

  return (emissions, phrases) => {
    const distinct = [...new Set(phrases)].map((phrase) => ({ phrase, ...spell(phrase) }));
    const free = { phones: freely(emissions.phones), characters: freely(emissions.characters) };
    if (!(free.phones?.speech ?? free.characters?.speech ?? false)) return undefined;

    let total = Number.NEGATIVE_INFINITY;
    let best: (Omit<ChosenPhrase, "logPosterior"> & { score: number }) | undefined;
    for (const { phrase, head, ways } of distinct) {
      const heard = emissions[head];
      if (heard === undefined) continue;
      let score = Number.NEGATIVE_INFINITY;
      let likeliest = { labels: ways[0] ?? [], score };
      for (const labels of ways) {
        const likelihood = labelLikelihood(heard, labels) - (free[head]?.score ?? 0);
        if (likelihood > likeliest.score) likeliest = { labels, score: likelihood };
        score = logAdd(score, likelihood);
      }
      total = logAdd(total, score);
      if (score > (best?.score ?? Number.NEGATIVE_INFINITY)) best = { phrase, head, labels: likeliest.labels, score };
    }
    if (best === undefined) return undefined;
    const { score, ...chosen } = best;
    return { ...chosen, logPosterior: Math.min(0, score - total) };
  };
}

function freely(emissions: Emissions | undefined): { score: number; speech: boolean } | undefined {
  if (emissions === undefined) return undefined;
  const { score, labels } = decodeGreedily(emissions);
  return { score, speech: labels.some((label) => label !== BLANK && label !== SEPARATOR) };
}
