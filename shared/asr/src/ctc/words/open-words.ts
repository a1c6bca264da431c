/**
 * Words outside the lexicon, by the character head. The beam knows only its lexicon, so a foreign name comes out as the
 * known words that sound most like it. Two things may put another spelling in their place:
 *
 * - hotwords that the lexicon lacks: each is tried in the place of one to three neighbouring words, and stays where its
 *   letters are likelier (with the hotword bonus) than the letters of the words that were there;
 * - open vocabulary: words that fit their phones badly give way to what the character head says freely in their place,
 *   where the head is sure of it and it is likelier by a margin.
 *
 * Both compare CTC likelihoods of letters within the same frames. Known words are never judged by their letters alone.
 */
import { alignLabels } from "../emissions/alignment.ts";
import { type Emissions, SEPARATOR } from "../emissions/emissions.ts";
import { labelLikelihood } from "../emissions/forward.ts";
import { decodeGreedily } from "../emissions/greedy.ts";
import type { Spelling } from "./spelling.ts";
import { placeWords, type SpokenWord } from "./spoken-words.ts";

export interface OpenWordsOptions {
  spelling: Spelling;
  hotwordBonus: number;
  /** Misfit (natural log per label) above which a word may be replaced; 0: no open vocabulary. */
  openVocabulary: number;
}

/** A hotword may take the place of this many words. */
const LONGEST_WINDOW = 3;
/** A free spelling must be likelier than the known words by this much for each of its letters. */
const FREE_MARGIN = 0.7;
/** … and the head must be this sure of it: log-probability of its path for each letter. Measured: this decides. */
const FREE_CERTAINTY = -0.6;

/** Short words come up everywhere by chance: they get less than the whole bonus. */
export function hotwordBoost(word: string, bonus: number): number {
  return bonus * Math.min(1, word.length / 6);
}

interface Replacement {
  /** Words [from, to) give way. */
  from: number;
  to: number;
  texts: string[];
  gain: number;
}

export function replaceOpenWords(
  characters: Emissions,
  words: readonly SpokenWord[],
  hotwords: readonly string[],
  options: OpenWordsOptions,
): SpokenWord[] {
  const { spelling, openVocabulary } = options;
  const suspects = openVocabulary > 0 ? suspectRuns(words, openVocabulary) : [];
  if (words.length === 0 || (hotwords.length === 0 && suspects.length === 0)) return [...words];
  const regions = locate(characters, words, spelling);
  if (regions === undefined) return [...words];

  const found: Replacement[] = [];
  for (const hotword of hotwords) {
    for (let from = 0; from < words.length; from++) {
      for (let to = from + 1; to <= Math.min(words.length, from + LONGEST_WINDOW); to++) {
        const texts = words.slice(from, to).map(({ text }) => text);
        if (!resembles(hotword, texts.join(""))) continue;
        const gain =
          likelihood(regions, from, to, [hotword]) -
          likelihood(regions, from, to, texts) +
          hotwordBoost(hotword, options.hotwordBonus);
        if (gain > 0) found.push({ from, to, texts: [hotword], gain });
      }
    }
  }
  for (const { from, to } of suspects) {
    const [first, last] = regions.frames(from, to);
    const free = decodeGreedily(part(characters, first, last));
    const texts = spelling
      .write(free.labels)
      .split(" ")
      .filter((text) => text !== "");
    const known = words.slice(from, to).map(({ text }) => text);
    if (texts.length === 0 || texts.join(" ") === known.join(" ")) continue;
    const letters = texts.join("").length;
    if (free.score < FREE_CERTAINTY * letters) continue;
    const margin = FREE_MARGIN * letters;
    const gain = likelihood(regions, from, to, texts) - likelihood(regions, from, to, known) - margin;
    if (gain > 0) found.push({ from, to, texts, gain });
  }
  return apply(words, found, (replacement) => confidencesOf(regions, replacement));
}

/** Maximal runs of words that fit badly. */
function suspectRuns(words: readonly SpokenWord[], limit: number): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (let from = 0; from < words.length; from++) {
    let to = from;
    while ((words[to]?.misfit ?? 0) > limit) to++;
    if (to === from) continue;
    runs.push({ from, to });
    from = to;
  }
  return runs;
}

interface Regions {
  /** Frames of words [from, to), up to their neighbours. */
  frames(from: number, to: number): [first: number, last: number];
  characters: Emissions;
  count: number;
  spelling: Spelling;
}

/** Where the character head says each of the words. */
function locate(characters: Emissions, words: readonly SpokenWord[], spelling: Spelling): Regions | undefined {
  const labels = spelling.spell(words.map(({ text }) => text));
  const alignment = labels === undefined ? undefined : alignLabels(characters, labels);
  if (alignment === undefined) return undefined;
  const starts: number[] = [];
  const ends: number[] = [];
  let place = 0;
  for (const { text } of words) {
    const length = Array.from(text).length;
    starts.push(alignment.starts[place] ?? 0);
    ends.push(alignment.ends[place + length - 1] ?? 0);
    place += length + 1;
  }
  return {
    frames: (from, to) => [from === 0 ? 0 : (ends[from - 1] ?? 0), starts[to] ?? characters.frames],
    characters,
    count: words.length,
    spelling,
  };
}

/** Log-probability that these words stand between the neighbours of words [from, to). */
function likelihood(regions: Regions, from: number, to: number, texts: readonly string[]): number {
  const spelled = regions.spelling.spell(texts);
  if (spelled === undefined) return Number.NEGATIVE_INFINITY;
  const [first, last] = regions.frames(from, to);
  const before = from === 0 ? [] : [SEPARATOR];
  const after = to === regions.count ? [] : [SEPARATOR];
  return labelLikelihood(regions.characters, [...before, ...spelled, ...after], first, last);
}

/** Of the words that a replacement puts in: how sure the character head is of their letters. */
function confidencesOf({ characters, spelling, frames }: Regions, { from, to, texts }: Replacement): number[] {
  const spelled = spelling.spell(texts) ?? [];
  return placeWords(part(characters, ...frames(from, to)), spelled).map(({ confidence }) => confidence);
}

function part(emissions: Emissions, from: number, to: number): Emissions {
  return { ...emissions, offset: emissions.offset + from * emissions.labels, frames: to - from };
}

/** Half of the letters in common, in any order: a cheap look before the likelihoods. */
function resembles(a: string, b: string): boolean {
  let common = 0;
  let rest = b;
  for (const letter of a) {
    const place = rest.indexOf(letter);
    if (place === -1) continue;
    common++;
    rest = rest.slice(0, place) + rest.slice(place + 1);
  }
  return 2 * common >= Math.max(a.length, b.length);
}

/** The best replacements that do not overlap. The new words share the time of the old ones by their letters. */
function apply(
  words: readonly SpokenWord[],
  found: readonly Replacement[],
  confidencesOf: (replacement: Replacement) => number[],
): SpokenWord[] {
  const chosen: Replacement[] = [];
  for (const candidate of found.toSorted((a, b) => b.gain - a.gain)) {
    if (chosen.every(({ from, to }) => candidate.to <= from || candidate.from >= to)) chosen.push(candidate);
  }
  const result = [...words];
  for (const chosenOne of chosen.toSorted((a, b) => b.from - a.from)) {
    const { from, to, texts } = chosenOne;
    const confidences = confidencesOf(chosenOne);
    const start = words[from]?.start ?? 0;
    const span = (words[to - 1]?.end ?? start) - start;
    const letters = texts.join("").length;
    let said = 0;
    const replacement = texts.map((text, index): SpokenWord => {
      const begin = start + (span * said) / letters;
      said += text.length;
      const end = start + (span * said) / letters;
      return { text, start: begin, end, labels: text.length, misfit: 0, confidence: confidences[index] ?? 0 };
    });
    result.splice(from, to - from, ...replacement);
  }
  return result;
}
