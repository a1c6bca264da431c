/**
 * A row's attempts at its text: with a beam or greedily at temperature 0, then, while a text looks wrong, by sampling at the section's rising
 * temperatures, as openai-whisper does. Knows no model: scores come in, steps go out.
 */
import { SAMPLE_RATE } from "@parlance/contracts";
import { compressionRatio } from "../../stretches.ts";
import type { WhisperSection } from "../manifest-section.ts";
import type { Prompt } from "../text/prompt.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { isSilence, needsFallback } from "./fallback.ts";
import type { Looped, LoopRow, Reading, StartScores, Wanted } from "./readings.ts";
import { type NodeScores, summarise } from "./scores.ts";
import { createBeamSearch, createGreedySearch, createSampling, type Search, type Step } from "./search.ts";
import type { Suppression } from "./suppression.ts";
import type { TokenRules } from "./timestamp-rules.ts";

/** Timestamps of 20 ms: a text begins within its first second. */
const MAX_INITIAL_TIMESTAMP = 50;

export interface AttemptsOptions {
  vocabulary: Pick<Vocabulary, "control" | "decode">;
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
}

/** A text as an attempt found it. */
export interface Attempted {
  tokens: number[];
  text: string;
  /** Mean per token, natural log. */
  logProbability: number;
  noSpeechProbability: number;
  /** At which the text was found. */
  temperature: number;
  /** False when the budget ended before the text did. */
  finished: boolean;
  /** Nobody speaks: the text is not to be believed. */
  silence: boolean;
}

export interface RowAttempts {
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
  /** The first attempt's text so far. */
  textSoFar(): readonly number[] | undefined;
  /** After the search has ended: a text that is believed, or undefined: try again. */
  settle(): Attempted | undefined;
}

export function createAttempts(options: AttemptsOptions, row: RowOptions): RowAttempts {
  const { vocabulary, suppression, section, beams } = options;
  const { control } = vocabulary;
  const { prompt, timestamps, samples } = row;
  const [first = 0, ...temperatures] = section.temperatures;
  let temperature = first;
  let attempt = 1;
  let search = makeSearch();
  let noSpeechProbability = 0;

  function makeSearch(): Search {
    const rules: TokenRules = {
      tokens: control,
      suppressed: suppression.controls,
      timestamps,
      maxInitialTimestamp: MAX_INITIAL_TIMESTAMP,
    };
    const longest = section.maxTokens ?? section.positions / 2;
    const common = { rules, budget: Math.min(longest, allowed(), section.positions + 1 - prompt.tokens.length) };
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

  return {
    prompt,
    get wanted() {
      return search;
    },
    begin({ start, first: scores }) {
      hearSilence(start);
      const { candidates, allWords } = search;
      return search.advance([summarise(scores, suppression.firstWords, candidates, allWords)]);
    },
    advance: (scores) => search.advance(scores),
    loop() {
      const { greedy } = search;
      if (greedy === undefined) return undefined;
      const said = search.soFar() ?? [];
      return { prompt, timestamps, said, budget: greedy.budget - said.length };
    },
    follow(looped) {
      if (search.soFar()?.length === 0) hearSilence(looped.start);
      return search.greedy?.follow(looped) ?? false;
    },
    textSoFar: () => (attempt === 1 ? search.soFar() : undefined),
    settle() {
      const { tokens, sumLogProbability, finished } = search.result();
      const text = vocabulary.decode(tokens).trim();
      const logProbability = sumLogProbability / (tokens.length + 1);
      const silence = isSilence({ logProbability, noSpeechProbability }, section);
      const found = { tokens, text, logProbability, noSpeechProbability, temperature, finished, silence };
      if (!needsFallback({ ...found, compressionRatio: compressionRatio(text) }, section)) return found;
      const next = temperatures.shift();
      if (next === undefined) return found;
      temperature = next;
      attempt++;
      search = makeSearch();
      return undefined;
    },
  };
}

/** Random numbers that are the same for the same audio: a segment that is run again says the same. */
function seededRandom(samples: Int16Array, temperature: number): () => number {
  let state = Math.round(temperature * 1000) + 1;
  for (const sample of samples) state = (Math.imul(state, 31) + sample) | 0;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
