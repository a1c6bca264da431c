/**
 * A row's attempts at its text: with a beam or greedily at temperature 0, then, while a text looks wrong, by sampling at rising
 * temperatures, as openai-whisper does. Knows no model: scores come in, steps go out.
 *
 * What the first attempt has told of its text is certain: later ones begin with it. Its tokens are read behind the prompt, and count
 * in the average as they did when they were said. So nothing is told of a text as long as it looks wrong, nor of one that
 * may be taken for silence.
 */
import { SAMPLE_RATE } from "@parlance/contracts";
import { compressionRatio } from "../../stretches.ts";
import { tokensLoop } from "../../windows/loops.ts";
import type { WhisperSection } from "../manifest-section.ts";
import type { Prompt } from "../text/prompt.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { sharedWords, wholeWords } from "./certain-text.ts";
import { isSilence, needsFallback } from "./fallback.ts";
import { type Found, noPrefix } from "./found.ts";
import { endsInRepetition } from "./looping.ts";
import type { Looped, LoopRow, Reading, StartScores, Wanted } from "./readings.ts";
import { type NodeScores, summarise } from "./scores.ts";
import { createBeamSearch, createGreedySearch, createSampling, type Search, type Step } from "./search.ts";
import { seededRandom } from "./seeded-random.ts";
import type { Suppression } from "./suppression.ts";
import type { TokenRules } from "./timestamp-rules.ts";

/** Timestamps of 20 ms: a text begins within its first second. */
const MAX_INITIAL_TIMESTAMP = 50;

export interface AttemptsOptions {
  vocabulary: Pick<Vocabulary, "control" | "decode" | "decodeSoFar">;
  suppression: Suppression;
  section: WhisperSection;
  /** 1 is greedy. */
  beams: number;
}

export interface RowOptions {
  prompt: Prompt;
  timestamps: boolean;
  /** What sampling is seeded with. */
  samples: Int16Array;
  /** Above 0 the first attempt samples at it, and later ones at the section's temperatures above it. Default 0. */
  temperature?: number | undefined;
  /** Whether the text's language has spaces between words. Default true. */
  spaced?: boolean | undefined;
}

/** A text as an attempt found it. */
export interface Attempted {
  tokens: number[];
  /** Log-probability of each token, natural log; empty for a phrase. */
  scores: number[];
  text: string;
  /** Mean per token, natural log. */
  logProbability: number;
  compressionRatio: number;
  noSpeechProbability: number;
  /** At which the text was found. */
  temperature: number;
  /** False when the budget ended before the text did. */
  finished: boolean;
  /** Nobody speaks: the text is not to be believed. */
  silence: boolean;
}

export interface RowAttempts {
  /** Of the next attempt: behind the row's prompt stands what was told. */
  readonly prompt: Prompt;
  /** What the search needs of the next run. */
  readonly wanted: Pick<Wanted, "candidates" | "allWords">;
  /** Begins from a prompt that was read; undefined when the search has ended. */
  begin(reading: Reading): Step | undefined;
  advance(scores: readonly NodeScores[]): Step | undefined;
  /** What the graph with the loop is to be told, where that graph can do it; undefined where it cannot. */
  loop(): LoopRow | undefined;
  /** Takes what that graph has said; false when the search has ended. */
  follow(said: Looped): boolean;
  /** What is certain of the text, where that is more than was told before: from now on it is told, and stays. */
  tell(): string | undefined;
  /** Whether the text that is ahead has begun to repeat itself, and nothing else will come of it. */
  loops(): boolean;
  /** After the search has ended: a text that is believed, or undefined: try again. */
  settle(): Attempted | undefined;
}

export function createAttempts(options: AttemptsOptions, row: RowOptions): RowAttempts {
  const { vocabulary, suppression, section, beams } = options;
  const { control } = vocabulary;
  const { prompt, timestamps, samples, spaced = true } = row;
  const [first = 0, ...temperatures] = ladder(section.temperatures, row.temperature ?? 0);
  let temperature = first;
  let attempt = 1;
  let prefix = noPrefix;
  let search = makeSearch();
  let noSpeechProbability = 0;
  /** How many words' tokens were told, and their text. */
  let [told, toldText] = [0, ""];

  function makeSearch(): Search {
    const rules: TokenRules = {
      tokens: control,
      suppressed: suppression.controls,
      timestamps,
      maxInitialTimestamp: MAX_INITIAL_TIMESTAMP,
    };
    const longest = section.maxTokens ?? section.positions / 2;
    const budget = Math.min(longest, allowed(), section.positions + 1 - prompt.tokens.length);
    const common = { rules, budget, prefix };
    if (temperature > 0) {
      return createSampling({ ...common, bestOf: beams, temperature, random: seededRandom(samples, temperature) });
    }
    return beams > 1 ? createBeamSearch({ ...common, beams }) : createGreedySearch(common);
  }

  /** Tokens that the row's length allows. */
  function allowed(): number {
    const { tokensPerSecond, spareTokens } = section;
    if (tokensPerSecond === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.ceil((samples.length * tokensPerSecond) / SAMPLE_RATE) + spareTokens);
  }

  function hearSilence({ rest, total }: StartScores): void {
    noSpeechProbability = Math.exp((rest[control.noSpeech - control.endOfText] ?? Number.NEGATIVE_INFINITY) - total);
  }

  /** Of what is said first. A word that was told does not grow. */
  function beginningBias(): Float32Array {
    if (prefix.tokens.length === 0) return suppression.firstWords;
    return spaced ? suppression.nextWords() : suppression.words;
  }

  /** Whether the text that is ahead looks as if this attempt were given up, or `text`, its beginning, as if it were to loop. */
  function looksWrong(text: string): boolean {
    const { tokens, sumLogProbability } = search.ahead();
    const guess = sumLogProbability / Math.max(1, tokens.length) < section.logProbabilityThreshold;
    if (guess && temperatures.length > 0) return true;
    const ratio = compressionRatio(vocabulary.decodeSoFar(tokens));
    return ratio > section.compressionRatioThreshold || endsInRepetition(text);
  }

  /** What was told, in the tokens of a text that begins with it: timestamps between the words too. */
  function toldOf({ tokens, scores }: Found): typeof noPrefix {
    let words = 0;
    const end = told === 0 ? 0 : tokens.findIndex((token) => token < control.endOfText && ++words === told) + 1;
    return { tokens: tokens.slice(0, end), scores: scores.slice(0, end) };
  }

  return {
    get prompt() {
      return prefix === noPrefix ? prompt : { ...prompt, tokens: [...prompt.tokens, ...prefix.tokens] };
    },
    get wanted() {
      return search;
    },
    begin({ start, first: scores }) {
      hearSilence(start);
      const { candidates, allWords } = search;
      return search.advance([summarise(scores, beginningBias(), candidates, allWords)]);
    },
    advance: (scores) => search.advance(scores),
    loop() {
      const { greedy } = search;
      if (greedy === undefined) return undefined;
      const said = search.ahead().tokens;
      return { prompt, timestamps, said, budget: greedy.budget - said.length };
    },
    follow(looped) {
      if (search.ahead().tokens.length === 0) hearSilence(looped.start);
      return search.greedy?.follow(looped) ?? false;
    },
    tell() {
      if (attempt > 1 || noSpeechProbability > section.noSpeechThreshold) return undefined;
      const words = sharedWords(search.possible(), control.endOfText);
      const certain = words.length > told ? wholeWords(words, vocabulary, spaced) : 0;
      if (certain <= told) return undefined;
      const text = vocabulary.decode(words.slice(0, certain)).trim();
      if (text.length <= toldText.length || looksWrong(text)) return undefined;
      [told, toldText] = [certain, text];
      return text;
    },
    loops: () => tokensLoop(search.ahead().tokens),
    settle() {
      const result = search.result();
      const { tokens, scores, sumLogProbability, finished } = result;
      const text = vocabulary.decode(tokens).trim();
      const logProbability = sumLogProbability / (tokens.length + 1);
      const silence = isSilence({ logProbability, noSpeechProbability }, section);
      const found = {
        ...{ tokens, scores, text, logProbability, compressionRatio: compressionRatio(text) },
        ...{ noSpeechProbability, temperature, finished, silence },
      };
      if (!needsFallback(found, section)) return found;
      const next = temperatures.shift();
      if (next === undefined) return found;
      prefix = toldOf(result);
      temperature = next;
      attempt++;
      search = makeSearch();
      return undefined;
    },
  };
}

/** The temperatures of a row's attempts. */
function ladder(usual: readonly number[], wished: number): readonly number[] {
  return wished > 0 ? [wished, ...usual.filter((temperature) => temperature > wished)] : usual;
}
