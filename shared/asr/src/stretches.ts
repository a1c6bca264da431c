/**
 * A row's text as stretches with times and scores, where the architecture tells none apart itself: phrases of some seconds, cut
 * where the speaker pauses or a sentence ends. Pure.
 */
import { deflateSync } from "node:zlib";
import type { TextStretch, Word } from "@parlance/contracts";
import { type Place, wordPlaces } from "./word-places.ts";

export interface WholeText {
  text: string;
  /** Of the row's audio. */
  seconds: number;
  /** Mean log-probability per token, natural log; null when it is not known. */
  score: number | null;
  tokens?: readonly number[] | undefined;
  temperature?: number | undefined;
}

/** A token of a text, and the characters that it brings: none yet, where it is a part of the next one's. */
export interface TextToken extends Place {
  token: number;
  /** Natural log. */
  logProbability: number;
}

export interface TimedText extends Omit<WholeText, "tokens"> {
  /** Of the text, in order; none: the text is one stretch. */
  words: readonly Word[];
  tokens?: readonly TextToken[] | undefined;
}

/** A stretch is not cut before it has so many seconds, but at a long pause. */
const LEAST_SECONDS = 3;
/** … and has no more where it has more than one word. */
const MOST_SECONDS = 10;
const LONG_PAUSE_SECONDS = 1.5;
/** Where a stretch has its least length, it ends at the first pause of so many seconds, or with a sentence. */
const PAUSE_SECONDS = 0.5;
const sentenceEnd = /[.!?…。！？]/u;

/** The text as the one stretch that it is; none when nothing was said. */
export function wholeStretch({ text, seconds, score, tokens = [], temperature = 0 }: WholeText): TextStretch[] {
  if (text === "") return [];
  return [
    {
      ...{ start: 0, end: seconds, text, tokens: [...tokens], temperature },
      avg_logprob: score ?? 0,
      compression_ratio: compressionRatio(text),
      no_speech_prob: 0,
    },
  ];
}

/**
 * Joined as they are, their texts are the text. Each begins with its first word and ends with its last, and has a mean score of
 * its own where its tokens, or its words' confidences, are known: else the row's. Without word times: the whole text.
 */
export function cutStretches({ words, tokens, ...whole }: TimedText): TextStretch[] {
  const { text, score, temperature = 0 } = whole;
  const places = wordPlaces(
    text,
    words.map((word) => word.text),
  );
  if (places === undefined || words.length === 0) {
    const [stretch] = wholeStretch({ ...whole, tokens: tokens?.map(({ token }) => token) });
    return stretch === undefined ? [] : [{ ...stretch, avg_logprob: meanScore(tokens, words) ?? score ?? 0 }];
  }
  const firsts = firstWords(words, (word) => sentenceEnd.test(between(text, places, word)));
  return firsts.map((first, index) => {
    const behind = firsts[index + 1] ?? words.length;
    const from = index === 0 ? 0 : cutBefore(text, places, first);
    const to = behind === words.length ? text.length : cutBefore(text, places, behind);
    const own = words.slice(first, behind);
    const said = tokens?.filter((token) => token.from >= from && (token.from < to || behind === words.length));
    const part = text.slice(from, to);
    return {
      ...{ start: own[0]?.start ?? 0, end: own.at(-1)?.end ?? 0, text: part },
      ...{ tokens: said?.map(({ token }) => token) ?? [], temperature },
      avg_logprob: meanScore(said, own) ?? score ?? 0,
      compression_ratio: compressionRatio(part),
      no_speech_prob: 0,
    };
  });
}

/** The first word of each stretch. `endsSentence`: whether one ends with a word. */
function firstWords(words: readonly Word[], endsSentence: (word: number) => boolean): number[] {
  const firsts = [0];
  const startOf = (word: number) => words[word]?.start ?? Number.POSITIVE_INFINITY;
  const endOf = (word: number) => words[word]?.end ?? 0;
  const pauseBehind = (word: number) => startOf(word + 1) - endOf(word);
  const last = words.length - 1;
  for (let first = 0; first <= last; ) {
    const length = (word: number) => endOf(word) - startOf(first);
    const endsStretch = (word: number) =>
      word === last ||
      pauseBehind(word) >= LONG_PAUSE_SECONDS ||
      (length(word) >= LEAST_SECONDS && (pauseBehind(word) >= PAUSE_SECONDS || endsSentence(word)));
    /** Behind which the longest pause is; of equal ones the last. */
    let best: number | undefined;
    let end = first;
    while (!endsStretch(end)) {
      if (length(end) >= LEAST_SECONDS && pauseBehind(end) >= pauseBehind(best ?? end)) best = end;
      if (length(end + 1) > MOST_SECONDS) {
        end = best ?? end;
        break;
      }
      end++;
    }
    first = end + 1;
    if (first <= last) firsts.push(first);
  }
  return firsts;
}

/** What stands between a word and the next. */
function between(text: string, places: readonly Place[], word: number): string {
  return text.slice(places[word]?.to, places[word + 1]?.from);
}

/** Where the text of a stretch begins: at the space before its first word, or at what opens it; punctuation is the last one's. */
function cutBefore(text: string, places: readonly Place[], word: number): number {
  const gap = between(text, places, word - 1);
  const opening = gap.search(/[\s\p{Ps}\p{Pi}]/u);
  return (places[word - 1]?.to ?? 0) + (opening === -1 ? gap.length : opening);
}

/** Of the tokens, else of the words, natural log; undefined where neither is known. */
function meanScore(tokens: readonly TextToken[] | undefined, words: readonly Word[]): number | undefined {
  const scores =
    tokens === undefined || tokens.length === 0
      ? words.flatMap(({ confidence }) => (confidence === undefined ? [] : Math.log(Math.max(confidence, LEAST))))
      : tokens.map(({ logProbability }) => logProbability);
  return scores.length === 0 ? undefined : scores.reduce((sum, each) => sum + each, 0) / scores.length;
}

/** A confidence is rounded, and the score of one that is nothing is finite all the same. */
const LEAST = 1e-5;

/**
 * How many times longer the text is than its deflated form: speech is at about 1.5, "no no no no …" above 2.4.
 * Other builds of zlib than Node's find a few bytes more or less.
 */
export function compressionRatio(text: string): number {
  const bytes = Buffer.from(text);
  return bytes.length / deflateSync(bytes).length;
}
