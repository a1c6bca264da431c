/**
 * One pass through a Whisper: hear, tell the languages, decode, try again what looks wrong, find the words' times. Rows are
 * what the model sees; segments of the pipeline become rows in whisper-model.ts.
 */

import { FRAMES, type WhisperFeatures } from "./features.ts";
import type { EncodedRows, WhisperGraphs } from "./graphs/decoder.ts";
import type { WhisperSection } from "./graphs/manifest-section.ts";
import { decodeRows, detectLanguages, type RowSearch } from "./search/decode.ts";
import { compressionRatio, isSilence, needsFallback } from "./search/fallback.ts";
import { choosePhrase, createLikelihoodSearch } from "./search/phrases.ts";
import {
  createBeamSearch,
  createGreedySearch,
  createSampling,
  type Decoded,
  type Search,
  type SearchOptions,
} from "./search/search.ts";
import type { Suppression } from "./search/suppression.ts";
import type { TokenRules } from "./search/timestamp-rules.ts";
import { buildPrompt, type Prompt } from "./text/prompt.ts";
import type { Vocabulary } from "./text/vocabulary.ts";
import { textSegments } from "./words/text-segments.ts";
import { splitWords } from "./words/word-splitting.ts";
import { alignWords, spreadWords, type TimedWord, wordsOfSegments } from "./words/word-times.ts";

export interface WhisperRow {
  /** 16 kHz mono. */
  samples: Int16Array;
  /** Whisper's code; undefined: the model tells. */
  language: string | undefined;
  timestamps: boolean;
  /** Tokens that came before. */
  context: readonly number[];
  /** When not empty, the text is one of these. */
  phrases: readonly string[];
}

export interface WhisperResult {
  tokens: number[];
  text: string;
  language: string;
  /** Mean per token, natural log; of a phrase: of its probability among the phrases. */
  logProbability: number;
  noSpeechProbability: number;
  /** At which the text was found. */
  temperature: number;
  /** False when the budget ended before the text did. */
  finished: boolean;
  /** Nobody speaks: the text is not to be believed. */
  silence: boolean;
  /** Empty unless asked for. */
  words: TimedWord[];
}

export interface TranscriberOptions {
  graphs: WhisperGraphs;
  features: WhisperFeatures;
  vocabulary: Vocabulary;
  suppression: Suppression;
  section: WhisperSection;
  /** 1 is greedy. */
  beams: number;
}

const SAMPLE_RATE = 16_000;
const HOP = 160;
/** Timestamps of 20 ms: a text begins within its first second. */
const MAX_INITIAL_TIMESTAMP = 50;

export type Transcriber = (rows: readonly WhisperRow[]) => Promise<WhisperResult[]>;

export function createTranscriber(options: TranscriberOptions): Transcriber {
  const { graphs, features, vocabulary, suppression, section, beams } = options;
  const { control } = vocabulary;
  const none = new Float32Array(control.endOfText);
  const nothingSuppressed: Suppression = { words: none, firstWords: none, controls: new Set() };

  function makeSearch(prompt: Prompt, timestamps: boolean, temperature: number, random: () => number): Search {
    const rules: TokenRules = {
      tokens: control,
      suppressed: suppression.controls,
      timestamps,
      maxInitialTimestamp: MAX_INITIAL_TIMESTAMP,
    };
    const longest = section.maxTokens ?? section.positions / 2;
    const search: SearchOptions = { rules, budget: Math.min(longest, section.positions + 1 - prompt.tokens.length) };
    if (temperature > 0) return createSampling({ ...search, bestOf: beams, temperature, random });
    return beams > 1 ? createBeamSearch({ ...search, beams }) : createGreedySearch(search);
  }

  async function decodeWithFallback(
    encoded: EncodedRows,
    rows: readonly WhisperRow[],
    languages: readonly string[],
  ): Promise<WhisperResult[]> {
    const results = new Map<number, WhisperResult>();
    for (const [row, each] of rows.entries()) {
      if (each.phrases.length > 0) results.set(row, await decodePhrase(encoded, row, each, languages[row] ?? ""));
    }
    let open = [...rows.keys()].filter((row) => !results.has(row));
    for (const temperature of section.temperatures) {
      const searches = new Map<number, RowSearch>();
      for (const row of open) {
        const { timestamps = false, context = [], samples = new Int16Array() } = rows[row] ?? {};
        const language = vocabulary.languages.get(languages[row] ?? "");
        const prompt = buildPrompt({ vocabulary, language, timestamps, context });
        searches.set(row, {
          prompt,
          search: makeSearch(prompt, timestamps, temperature, seededRandom(samples, temperature)),
        });
      }
      const decoded = await decodeRows(encoded, searches, suppression, vocabulary);
      for (const [row, found] of decoded) results.set(row, toResult(found, languages[row] ?? "", temperature));
      open = open.filter((row) => {
        const result = results.get(row);
        return (
          result !== undefined && needsFallback({ ...result, compressionRatio: compressionRatio(result.text) }, section)
        );
      });
      if (open.length === 0) break;
    }
    return rows.map((_, row) => {
      const result = results.get(row);
      if (result === undefined) throw new RangeError(`row ${row} was not decoded`);
      return result;
    });
  }

  async function decodePhrase(
    encoded: EncodedRows,
    row: number,
    { phrases, context }: WhisperRow,
    code: string,
  ): Promise<WhisperResult> {
    const language = vocabulary.languages.get(code);
    const prompt = buildPrompt({ vocabulary, language, timestamps: false, context });
    let noSpeechProbability = 0;
    const choice = await choosePhrase(phrases, vocabulary.encode, async (texts) => {
      const search = createLikelihoodSearch(texts, control.endOfText);
      const decoded = await decodeRows(encoded, new Map([[row, { prompt, search }]]), nothingSuppressed, vocabulary);
      noSpeechProbability = decoded.get(row)?.noSpeechProbability ?? 0;
      return search.likelihoods();
    });
    return {
      ...{
        tokens: choice.tokens,
        text: phrases[choice.index] ?? "",
        language: code,
        logProbability: choice.logProbability,
      },
      ...{ noSpeechProbability, temperature: 0, finished: true, silence: false, words: [] },
    };
  }

  function toResult(found: Decoded, language: string, temperature: number): WhisperResult {
    const { tokens, sumLogProbability, finished, noSpeechProbability } = found;
    const text = vocabulary.decode(tokens).trim();
    const logProbability = sumLogProbability / (tokens.length + 1);
    const silence = isSilence({ logProbability, noSpeechProbability }, section);
    return { tokens, text, language, logProbability, noSpeechProbability, temperature, finished, silence, words: [] };
  }

  async function addWords(
    encoded: EncodedRows,
    rows: readonly WhisperRow[],
    results: readonly WhisperResult[],
  ): Promise<void> {
    const frames = (row: number) => Math.min(Math.floor((rows[row]?.samples.length ?? 0) / HOP), FRAMES) >> 1;
    const spoken = (row: number) => (results[row]?.tokens ?? []).filter((token) => token < control.endOfText);
    const texts = new Map<number, { prompt: number; tokens: number[] }>();
    for (const [row, { timestamps }] of rows.entries()) {
      const result = results[row];
      if (!timestamps || result === undefined || result.silence || spoken(row).length === 0 || frames(row) === 0)
        continue;
      const language = vocabulary.languages.get(result.language);
      const { tokens } = buildPrompt({ vocabulary, language, timestamps: true, context: [] });
      texts.set(row, {
        prompt: tokens.length,
        tokens: [...tokens, control.noTimestamps, ...spoken(row), control.endOfText],
      });
    }
    if (texts.size === 0) return;
    const attention = await encoded.align(new Map([...texts].map(([row, { tokens }]) => [row, tokens])), frames);
    for (const [row, { prompt }] of texts) {
      const result = results[row];
      const seen = attention?.get(row);
      if (result === undefined) continue;
      const words = splitWords([...spoken(row), control.endOfText], result.language, vocabulary);
      const seconds = (rows[row]?.samples.length ?? 0) / SAMPLE_RATE;
      const segments = textSegments(result.tokens, control.firstTimestamp, seconds);
      const timed =
        seen === undefined ? spreadWords(words, segments, control.endOfText) : alignWords(words, seen, prompt);
      result.words = wordsOfSegments(timed, segments, control.endOfText);
    }
  }

  return async (rows) => {
    if (rows.length === 0) return [];
    const encoded = await graphs.encode(rows.map(({ samples }) => features(samples)));
    const unknown = vocabulary.multilingual ? [...rows.keys()].filter((row) => rows[row]?.language === undefined) : [];
    const heard = await detectLanguages(encoded, unknown, vocabulary);
    const languages = rows.map(({ language }, row) => language ?? heard.get(row)?.code ?? "en");
    const results = await decodeWithFallback(encoded, rows, languages);
    await addWords(encoded, rows, results);
    return results;
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
