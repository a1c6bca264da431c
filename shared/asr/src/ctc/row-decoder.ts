/**
 * From what the heads say of one row to its transcript. By preference: the phrase list that the caller gave; the prefix
 * beam over the lexicon with the language model; greedy characters, for a model that has nothing else.
 */
import type { Word } from "@parlance/contracts";
import type { Turns } from "@parlance/inference";
import { beginsSpaceless } from "../windows/units.ts";
import { type Emissions, SEPARATOR } from "./emissions/emissions.ts";
import { decodeGreedily } from "./emissions/greedy.ts";
import type { LanguageModel } from "./language/language-model.ts";
import { type Lexicon, labelsTo } from "./language/lexicon.ts";
import type { Vocabulary } from "./language/vocabulary.ts";
import type { CtcSection } from "./manifest-section.ts";
import { createLookAhead } from "./search/look-ahead.ts";
import { createPrefixBeam, type Hypothesis, type PrefixBeam } from "./search/prefix-beam.ts";
import { hotwordBoost, replaceOpenWords } from "./words/open-words.ts";
import { createPhraseChooser, likeliestWay } from "./words/phrases.ts";
import { createSpelling } from "./words/spelling.ts";
import { toSpokenWords } from "./words/spoken-form.ts";
import { placeWords, type SpokenWord, wordConfidence } from "./words/spoken-words.ts";

export interface RowDecoderOptions {
  section: CtcSection;
  vocabulary: Vocabulary;
  /** Words as labels of `lexiconHead`. */
  lexicon: Lexicon | undefined;
  lexiconHead: "phones" | "characters";
  languageModel: LanguageModel | undefined;
  beamSize: number;
}

export interface RowEmissions {
  phones: Emissions | undefined;
  characters: Emissions | undefined;
}

export interface RowWishes {
  timestamps: boolean;
  hotwords: readonly string[];
  phrases: readonly string[];
  /** For a window: a narrow beam will do, and in scripts without spaces characters are words. Default false. */
  quick?: boolean | undefined;
}

export interface DecodedRow {
  text: string;
  words: Word[];
  /** Mean log-probability per label; of a phrase list: log of the phrase's probability in the list. Null: nothing said. */
  score: number | null;
}

/**
 * Throws a SpeechError when the wishes cannot be met, as with a phrase that the model cannot say. Several rows may be decoded at
 * a time, in turns.
 */
export type RowDecoder = (emissions: RowEmissions, wishes: RowWishes, seconds: number) => Turns<DecodedRow>;

type TimedWord = Pick<SpokenWord, "text" | "start" | "end" | "confidence">;

/** Hypotheses of a search that is to be quick. */
const QUICK_BEAM = 32;

const nothing: DecodedRow = { text: "", words: [], score: null };

export function createRowDecoder(options: RowDecoderOptions): RowDecoder {
  const { section, vocabulary, lexicon, lexiconHead } = options;
  const { decoding, frameSeconds } = section;
  const spelling = section.characters === undefined ? undefined : createSpelling(section.characters);
  const beams = lexicon && createBeams(options, lexicon);
  const choosePhrase = createPhraseChooser({
    lexicon: lexiconHead === "phones" ? lexicon : undefined,
    vocabulary,
    spelling,
  });

  function toWords(words: readonly TimedWord[], seconds: number): Word[] {
    const round = (frame: number) => Math.round(Math.min(frame * frameSeconds, seconds) * 1000) / 1000;
    return words.map(({ text, start, end, confidence }) => ({
      start: round(start),
      end: round(end),
      text,
      confidence,
    }));
  }

  function* decodePhrase(emissions: RowEmissions, wishes: RowWishes, seconds: number): Turns<DecodedRow> {
    const chosen = yield* choosePhrase(emissions, wishes.phrases);
    if (chosen === undefined) return nothing;
    const heard = emissions[chosen.head];
    const said = wishes.timestamps && heard !== undefined ? placeWords(heard, likeliestWay(heard, chosen)) : [];
    const written = chosen.phrase.split(/\s+/).filter((word) => word !== "");
    // Numbers are one written and several spoken words: then the phrase is timed as a whole.
    const parts =
      written.length === said.length
        ? said.map((place, index) => ({ ...place, text: written[index] ?? "" }))
        : said.slice(0, 1).map(({ start }) => ({
            ...{ start, end: said.at(-1)?.end ?? start, text: chosen.phrase },
            confidence: Math.min(...said.map(({ confidence }) => confidence)),
          }));
    return { text: chosen.phrase, words: toWords(parts, seconds), score: chosen.logPosterior };
  }

  function decodeGreedyCharacters(characters: Emissions, wishes: RowWishes, seconds: number): DecodedRow {
    const path = decodeGreedily(characters);
    const words: TimedWord[] = [];
    // In a script without spaces a whole utterance is one word: windows have its characters.
    const isWord = (place: number) =>
      wishes.quick === true && beginsSpaceless(spelling?.write(path.labels.slice(place, place + 1)) ?? "");
    const parts = (place: number) => isWord(place) || isWord(place - 1);
    for (let from = 0; from < path.labels.length; from++) {
      let to = from;
      while (to < path.labels.length && path.labels[to] !== SEPARATOR && !(to > from && parts(to))) to++;
      if (to > from) {
        words.push({
          text: spelling?.write(path.labels.slice(from, to)) ?? "",
          start: path.starts[from] ?? 0,
          end: path.ends[to - 1] ?? 0,
          confidence: wishes.timestamps ? wordConfidence(characters, path, from, to) : 0,
        });
      }
      from = path.labels[to] === SEPARATOR ? to : Math.max(from, to - 1);
    }
    if (words.length === 0) return nothing;
    return {
      text: words.map(({ text }) => text).join(" "),
      words: wishes.timestamps ? toWords(words, seconds) : [],
      score: path.score / path.labels.length,
    };
  }

  function* decodeBeam(
    beam: PrefixBeam,
    heard: Emissions,
    emissions: RowEmissions,
    wishes: RowWishes,
    seconds: number,
  ): Turns<DecodedRow> {
    const { boosts, spelled } = sortHotwords(wishes.hotwords);
    const hypothesis = yield* beam.decode(heard, boosts);
    if (hypothesis.words.length === 0) return nothing;
    yield;
    const labels = hypothesisLabels(hypothesis);
    const texts = hypothesis.words.map((word) => vocabulary.text(word));
    const score = hypothesis.acoustic / labels.length;
    const { characters } = emissions;
    const open = characters !== undefined && (spelled.length > 0 || decoding.openVocabulary > 0);
    if (!open && !wishes.timestamps) return { text: texts.join(" "), words: [], score };

    const places = placeWords(heard, labels);
    let words = texts.map((text, index): SpokenWord => {
      return { text, ...(places[index] ?? { start: 0, end: 0, labels: 1, misfit: 0, confidence: 0 }) };
    });
    if (open && characters !== undefined && spelling !== undefined) {
      const { hotwordBonus, openVocabulary } = decoding;
      words = replaceOpenWords(characters, words, spelled, { spelling, hotwordBonus, openVocabulary });
    }
    return {
      text: words.map(({ text }) => text).join(" "),
      words: wishes.timestamps ? toWords(words, seconds) : [],
      score,
    };
  }

  function hypothesisLabels({ nodes, separated }: Hypothesis): number[] {
    const labels: number[] = [];
    if (lexicon === undefined) return labels;
    for (const [index, node] of nodes.entries()) {
      if (index > 0) labels.push(SEPARATOR);
      labels.push(...labelsTo(lexicon, node));
    }
    if (separated) labels.push(SEPARATOR);
    return labels;
  }

  /** Hotwords of the lexicon raise their words in the beam; the others are for the character head. */
  function sortHotwords(hotwords: readonly string[]): { boosts: Map<number, number>; spelled: string[] } {
    const boosts = new Map<number, number>();
    const spelled = new Set<string>();
    const words = hotwords.flatMap((hotword) => toSpokenWords(hotword, spelling?.alphabet ?? new Set()) ?? []);
    for (const word of words) {
      const id = vocabulary.findText(word);
      const known = lexicon !== undefined && id !== -1 && (lexicon.firstEnd[id] ?? 0) < (lexicon.firstEnd[id + 1] ?? 0);
      if (known) boosts.set(id, hotwordBoost(word, decoding.hotwordBonus));
      else spelled.add(word);
    }
    return { boosts, spelled: [...spelled] };
  }

  return function* (emissions, wishes, seconds) {
    if (wishes.phrases.length > 0) return yield* decodePhrase(emissions, wishes, seconds);
    const heard = emissions[lexiconHead];
    if (beams !== undefined && heard !== undefined) {
      const beam = wishes.quick === true ? beams.quick : beams.whole;
      return yield* decodeBeam(beam, heard, emissions, wishes, seconds);
    }
    if (emissions.characters !== undefined) return decodeGreedyCharacters(emissions.characters, wishes, seconds);
    return nothing;
  };
}

/** A wide and a narrow one, which share what they know of the words. */
function createBeams(options: RowDecoderOptions, lexicon: Lexicon): { whole: PrefixBeam; quick: PrefixBeam } {
  const { languageModel, beamSize, section } = options;
  const { languageModelWeight, wordBonus } = section.decoding;
  const lookAhead = createLookAhead(lexicon, languageModel);
  const common = { lexicon, languageModel, lookAhead, languageModelWeight, wordBonus };
  const ofSize = (size: number) => sharedBeam(() => createPrefixBeam({ ...common, beamSize: size }));
  return { whole: ofSize(beamSize), quick: ofSize(Math.min(beamSize, QUICK_BEAM)) };
}

/** A beam for any number of searches at a time: there are as many as that ever were. */
function sharedBeam(create: () => PrefixBeam): PrefixBeam {
  const idle: PrefixBeam[] = [];
  return {
    *decode(emissions, boosts) {
      const beam = idle.pop() ?? create();
      try {
        return yield* beam.decode(emissions, boosts);
      } finally {
        idle.push(beam);
      }
    },
  };
}
