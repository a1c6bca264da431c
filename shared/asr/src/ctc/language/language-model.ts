/**
 * A word n-gram model (up to trigrams, with backoff) from an ARPA file, in typed arrays: successors of a word, and of a
 * pair of words, are sorted and found by bisection. 300,000 n-grams are about 4 MB.
 *
 * A state is what the model remembers of the words so far: -1 nothing, below the vocabulary's size the last word, from
 * there on a bigram. States are as short as the n-grams allow, so that histories which no n-gram tells apart are one.
 */
import { SpeechError } from "@parlance/contracts";
import { readSections, type Section, wrong } from "./arpa-sections.ts";
import { readLines } from "./text-lines.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface LanguageModel {
  /** The state after `<s>`. */
  readonly start: number;
  /** Log-probability (natural) of `word` in `state`; the state after it is then in `next`. */
  score(state: number, word: number): number;
  next: number;
  /** Log-probability of the sentence's end in `state`. */
  end(state: number): number;
  /** Log-probability of `word` by itself. */
  unigram(word: number): number;
  /** How many states there are: they are numbered from -1 to `states - 2`. */
  readonly states: number;
  /** The words that `state` has n-grams for, with their log-probabilities. */
  successors(state: number): { words: Int32Array; probabilities: Float32Array };
  /** What a word without an n-gram in `state` pays, and the state whose n-grams then count. */
  backoff(state: number): number;
  shorter(state: number): number;
  /** How many n-grams of each order are used. */
  readonly counts: readonly number[];
}

interface Grams {
  /** Groups by context: first word for bigrams, bigram for trigrams. */
  first: Int32Array;
  word: Int32Array;
  probability: Float32Array;
  backoff: Float32Array;
}

/** What a language model is made of: numbers only. */
export interface LanguageModelTables {
  /** Words of the vocabulary. */
  size: number;
  /** Of each word by itself; of a word without a 1-gram. */
  probability: Float32Array;
  unknown: number;
  backoff: Float32Array;
  bigrams: Grams;
  trigrams: Grams;
  /** `<s>` and `</s>`, or -1. */
  startWord: number;
  endWord: number;
  unigrams: number;
}

/** Reads an ARPA file; words that the vocabulary lacks are added to it. Throws a SpeechError that names the line. */
export function parseArpa(source: Uint8Array, vocabulary: Vocabulary): LanguageModel {
  return createLanguageModel(readArpa(source, vocabulary));
}

/** As `parseArpa`, but the tables alone. */
export function readArpa(source: Uint8Array, vocabulary: Vocabulary): LanguageModelTables {
  const reader = readLines(source, 8);
  const sections = readSections(source, reader, vocabulary);
  const unigrams = sections[0];
  if (unigrams === undefined || unigrams.probability.length === 0) throw wrong(reader.line, "there are no 1-grams");
  const size = vocabulary.size;

  const unknownWord = vocabulary.findText("<unk>");
  const probability = new Float32Array(size).fill(Number.NaN);
  const backoff = new Float32Array(size);
  for (let entry = 0; entry < unigrams.words.length; entry++) {
    const word = unigrams.words[entry] ?? 0;
    probability[word] = unigrams.probability[entry] ?? 0;
    backoff[word] = unigrams.backoff[entry] ?? 0;
  }
  const given = unknownWord === -1 ? Number.NaN : (probability[unknownWord] ?? Number.NaN);
  // Without <unk>, a word that the model has never seen is a little less likely than any that it has.
  const unknown = Number.isNaN(given) ? probability.reduce((low, p) => (p < low && p > -90 ? p : low), 0) - 1 : given;
  for (let word = 0; word < size; word++) if (Number.isNaN(probability[word])) probability[word] = unknown;

  const bigrams = toGrams(sections[1], size, (words, entry) => words[2 * entry] ?? 0);
  const trigrams = toGrams(sections[2], bigrams.word.length, (words, entry) => {
    const found = bisect(bigrams, words[3 * entry] ?? 0, words[3 * entry + 1] ?? 0);
    if (found !== -1) return found;
    const gram = [0, 1, 2].map((place) => vocabulary.text(words[3 * entry + place] ?? 0)).join(" ");
    throw new SpeechError(
      "validation_failed",
      `language model: the 3-gram "${gram}" begins with a 2-gram that is not there`,
    );
  });
  const startWord = vocabulary.findText("<s>");
  const endWord = vocabulary.findText("</s>");
  // The ARPA file's <s> has no probability of its own; nothing may say it.
  if (startWord !== -1) probability[startWord] = Number.NEGATIVE_INFINITY;
  const count = unigrams.probability.length;
  return { size, probability, unknown, backoff, bigrams, trigrams, startWord, endWord, unigrams: count };
}

export function createLanguageModel(tables: LanguageModelTables): LanguageModel {
  const { size, probability, unknown, backoff, bigrams, trigrams, startWord, endWord, unigrams } = tables;
  const follows = (grams: Grams, context: number) => (grams.first[context] ?? 0) < (grams.first[context + 1] ?? 0);
  const lastWord = (word: number) => (follows(bigrams, word) || (backoff[word] ?? 0) !== 0 ? word : -1);

  const model: LanguageModel = {
    start: startWord === -1 ? -1 : lastWord(startWord),
    next: -1,
    counts: [unigrams, bigrams.word.length, trigrams.word.length],
    score(state, word) {
      let word1 = state;
      let weight = 0;
      let found = -1;
      if (state >= size) {
        const context = state - size;
        found = bisect(trigrams, context, word);
        if (found === -1) weight = bigrams.backoff[context] ?? 0;
        word1 = bigrams.word[context] ?? 0;
      }
      const bigram = word1 === -1 ? -1 : bisect(bigrams, word1, word);
      if (bigram === -1) {
        model.next = lastWord(word);
        if (found !== -1) return trigrams.probability[found] ?? 0;
        if (word1 !== -1) weight += backoff[word1] ?? 0;
        return weight + (probability[word] ?? unknown);
      }
      model.next = follows(trigrams, bigram) || bigrams.backoff[bigram] !== 0 ? size + bigram : lastWord(word);
      return found === -1 ? weight + (bigrams.probability[bigram] ?? 0) : (trigrams.probability[found] ?? 0);
    },
    end(state) {
      return endWord === -1 ? 0 : model.score(state, endWord);
    },
    unigram: (word) => probability[word] ?? unknown,
    states: 1 + size + bigrams.word.length,
    successors(state) {
      const [grams, context] = state >= size ? [trigrams, state - size] : [bigrams, state];
      const from = grams.first[context] ?? 0;
      const to = grams.first[context + 1] ?? from;
      return { words: grams.word.subarray(from, to), probabilities: grams.probability.subarray(from, to) };
    },
    backoff: (state) => (state >= size ? bigrams.backoff[state - size] : backoff[state]) ?? 0,
    shorter: (state) => (state >= size ? lastWord(bigrams.word[state - size] ?? 0) : -1),
  };
  return model;
}

/** Place of `word` among the successors of `context`, or -1. */
function bisect(grams: Grams, context: number, word: number): number {
  let low = grams.first[context] ?? 0;
  let high = (grams.first[context + 1] ?? 0) - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = grams.word[middle] ?? 0;
    if (found === word) return middle;
    if (found < word) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Sorts a section by context and then by its last word. */
function toGrams(
  section: Section | undefined,
  contexts: number,
  contextOf: (words: Int32Array, entry: number) => number,
): Grams {
  const count = section?.probability.length ?? 0;
  const first = new Int32Array(contexts + 1);
  const grams: Grams = {
    first,
    word: new Int32Array(count),
    probability: new Float32Array(count),
    backoff: new Float32Array(count),
  };
  if (section === undefined || count === 0) return grams;
  const order = section.words.length / count;
  const context = new Int32Array(count);
  for (let entry = 0; entry < count; entry++) {
    const key = contextOf(section.words, entry);
    context[entry] = key;
    first[key + 1] = (first[key + 1] ?? 0) + 1;
  }
  for (let key = 0; key < contexts; key++) first[key + 1] = (first[key + 1] ?? 0) + (first[key] ?? 0);
  const fill = first.slice();
  // Word and entry in one number sort natively; both are exact in 53 bits.
  const keys = new Float64Array(count);
  for (let entry = 0; entry < count; entry++) {
    const key = context[entry] ?? 0;
    const place = fill[key] ?? 0;
    keys[place] = (section.words[entry * order + order - 1] ?? 0) * count + entry;
    fill[key] = place + 1;
  }
  for (let key = 0; key < contexts; key++) {
    if ((first[key + 1] ?? 0) - (first[key] ?? 0) > 1) keys.subarray(first[key], first[key + 1]).sort();
  }
  for (let place = 0; place < count; place++) {
    const entry = (keys[place] ?? 0) % count;
    grams.word[place] = section.words[entry * order + order - 1] ?? 0;
    grams.probability[place] = section.probability[entry] ?? 0;
    grams.backoff[place] = section.backoff[entry] ?? 0;
  }
  return grams;
}
