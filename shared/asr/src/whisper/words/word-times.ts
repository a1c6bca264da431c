/**
 * When each word was said: openai-whisper's `find_alignment` and `add_word_timestamps`, step by step.
 *
 * The cross attention of the heads that align is normalised over tokens, smoothed over time and averaged; the cheapest
 * monotonic way through it gives each token its frame. Then come the official repairs: words that are too long at the
 * ends of sentences and of segments are shortened, and punctuation goes to its neighbour.
 *
 * This room goes from tokens to words with times: tokens are cut into words (word-splitting.ts) and stretches
 * (text-segments.ts), and placed in the attention (median-filter.ts, dynamic-time-warping.ts).
 */
import type { Turns } from "@parlance/inference";
import type { Alignment, Attention } from "./attention.ts";
import { dynamicTimeWarping } from "./dynamic-time-warping.ts";
import { medianFilter } from "./median-filter.ts";
import { strip, type TokenWord } from "./word-splitting.ts";

const PLACES_PER_SECOND = 50;
const SMOOTHING = 7;
const PREPENDED = "\"'“¿([{-";
const APPENDED = "\"'.。,，!！?？:：”)]}、";
const SENTENCE_ENDS = ".。!！?？";

export interface TimedWord extends TokenWord {
  start: number;
  end: number;
  /** Mean of its tokens' probabilities, without those of punctuation that it was given. */
  probability: number;
}

/** A stretch of the text between two timestamps. */
export interface TextSegment {
  start: number;
  end: number;
  tokens: readonly number[];
}

export interface TimedSegment extends TextSegment {
  /** Empty where none were timed. */
  words: TimedWord[];
}

/**
 * Words with their times. `words` are those of the text and, last, the end of text; the attention has one token for each of
 * the prompt's `promptLength` tokens (without the one that turns timestamps off), that one, the text, and the end.
 */
export function* alignWords(
  words: readonly TokenWord[],
  { attention, probabilities }: Alignment,
  promptLength: number,
): Turns<TimedWord[]> {
  if (words.length <= 1) return [];
  const rows = attention.tokens - promptLength - 1;
  const costs = (yield* averageAttention(attention, promptLength, rows)).map((share) => -share);
  const path = dynamicTimeWarping(costs, rows, attention.frames);
  /** Seconds at which each token begins. */
  const begins: number[] = [];
  for (const [index, row] of path.rows.entries()) {
    if (index === 0 || row !== path.rows[index - 1]) begins.push((path.columns[index] ?? 0) / PLACES_PER_SECOND);
  }
  let token = 0;
  return words.slice(0, -1).map((word) => {
    const start = begins[token] ?? 0;
    const probability = mean(probabilities.slice(token, token + word.tokens.length));
    token += word.tokens.length;
    return { ...word, tokens: [...word.tokens], start, end: begins[token] ?? start, probability };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/**
 * For graphs that do not tell their cross attention: the words of each stretch between timestamps share its time by their
 * letters. An estimate, and no more. `probabilities`: of the text's tokens, as they were said.
 */
export function spreadWords(
  words: readonly TokenWord[],
  segments: readonly TextSegment[],
  probabilities: readonly number[],
  endOfText: number,
): TimedWord[] {
  const timed: TimedWord[] = [];
  let [next, token] = [0, 0];
  for (const { tokens, start, end } of segments) {
    const length = tokens.filter((token) => token < endOfText).length;
    const own: TokenWord[] = [];
    for (let taken = 0; taken < length && next < words.length - 1; next++) {
      const word = words[next];
      if (word === undefined) break;
      own.push(word);
      taken += word.tokens.length;
    }
    const letters = own.reduce((sum, { text }) => sum + text.length, 0);
    let at = start;
    for (const { text, tokens } of own) {
      const until = at + ((end - start) * text.length) / letters;
      const probability = mean(probabilities.slice(token, token + tokens.length));
      token += tokens.length;
      timed.push({ text, tokens: [...tokens], start: at, end: until, probability });
      at = until;
    }
  }
  return timed;
}

/** [rows, frames], of the tokens from `first` on. */
function* averageAttention(
  { data, heads, tokens, frames }: Attention,
  first: number,
  rows: number,
): Turns<Float64Array> {
  const average = new Float64Array(rows * frames);
  const normal = new Float32Array(tokens * frames);
  for (let head = 0; head < heads; head++) {
    yield;
    const shares = data.subarray(head * tokens * frames, (head + 1) * tokens * frames);
    for (let frame = 0; frame < frames; frame++) {
      let sum = 0;
      for (let token = 0; token < tokens; token++) sum += shares[token * frames + frame] ?? 0;
      const mean = sum / tokens;
      let squares = 0;
      for (let token = 0; token < tokens; token++) squares += ((shares[token * frames + frame] ?? 0) - mean) ** 2;
      const deviation = Math.sqrt(squares / tokens);
      for (let token = 0; token < tokens; token++) {
        normal[token * frames + frame] = ((shares[token * frames + frame] ?? 0) - mean) / deviation;
      }
    }
    for (let row = 0; row < rows; row++) {
      const from = (first + row) * frames;
      const smooth = medianFilter(normal.subarray(from, from + frames), SMOOTHING);
      for (let frame = 0; frame < frames; frame++) {
        average[row * frames + frame] = (average[row * frames + frame] ?? 0) + (smooth[frame] ?? 0) / heads;
      }
    }
  }
  return average;
}

/** Gives an opening mark to the word behind it and a closing one to the word before it; what is left empty stays in its place. */
export function mergePunctuation<W extends TokenWord>(words: W[], prepended = PREPENDED, appended = APPENDED): void {
  let following = words.at(-1);
  for (let index = words.length - 2; index >= 0; index--) {
    const previous = words[index];
    if (previous === undefined || following === undefined) break;
    if (previous.text.startsWith(" ") && prepended.includes(strip(previous.text))) {
      following.text = previous.text + following.text;
      following.tokens = [...previous.tokens, ...following.tokens];
      previous.text = "";
      previous.tokens = [];
    } else following = previous;
  }
  let previous = words[0];
  for (const next of words.slice(1)) {
    if (previous !== undefined && !previous.text.endsWith(" ") && appended.includes(next.text)) {
      previous.text += next.text;
      previous.tokens = [...previous.tokens, ...next.tokens];
      next.text = "";
      next.tokens = [];
    } else previous = next;
  }
}

function typicalDuration(words: readonly TimedWord[]): number {
  const durations = words.map(({ start, end }) => end - start).filter((duration) => duration !== 0);
  durations.sort((a, b) => a - b);
  const middle = durations.length >> 1;
  const upper = durations[middle] ?? 0;
  const median = durations.length % 2 === 1 ? upper : (upper + (durations[middle - 1] ?? 0)) / 2;
  return Math.min(0.7, median);
}

function shortenAtSentenceEnds(words: readonly TimedWord[], longest: number): void {
  for (const [index, word] of words.entries()) {
    const before = words[index - 1];
    if (before === undefined || word.end - word.start <= longest) continue;
    if (SENTENCE_ENDS.includes(word.text)) word.end = word.start + longest;
    else if (SENTENCE_ENDS.includes(before.text)) word.start = word.end - longest;
  }
}

/** The segments with their words, the times of both repaired at the segments' ends. Changes the words. */
export function timeSegments(words: TimedWord[], segments: readonly TextSegment[], endOfText: number): TimedSegment[] {
  const typical = typicalDuration(words);
  const longest = typical * 2;
  if (words.some(({ start, end }) => start !== end)) shortenAtSentenceEnds(words, longest);
  mergePunctuation(words);
  const all: TimedSegment[] = [];
  let next = 0;
  let lastSpeech = 0;
  for (const given of segments) {
    const segment: TimedSegment = { ...given, words: [] };
    const length = segment.tokens.filter((token) => token < endOfText).length;
    const own: TimedWord[] = [];
    for (let saved = 0; next < words.length && saved < length; next++) {
      const word = words[next];
      if (word === undefined) break;
      if (word.text !== "") own.push({ ...word, start: hundredths(word.start), end: hundredths(word.end) });
      saved += word.tokens.length;
    }
    segment.words = own;
    lastSpeech = repairEnds(segment, { lastSpeech, typical, longest });
    all.push(segment);
  }
  return all;
}

interface Durations {
  /** When the segment before ended. */
  lastSpeech: number;
  typical: number;
  longest: number;
}

/** Answers when the segment ends. */
function repairEnds(segment: TimedSegment, { lastSpeech, typical, longest }: Durations): number {
  const { words } = segment;
  const [first, second] = words;
  const last = words.at(-1);
  if (first === undefined || last === undefined) return lastSpeech;
  const long = first.end - first.start > longest || (second !== undefined && second.end - first.start > longest * 2);
  if (first.end - lastSpeech > typical * 4 && long) {
    if (second !== undefined && second.end - second.start > longest) {
      const boundary = Math.max(second.end / 2, second.end - longest);
      first.end = boundary;
      second.start = boundary;
    }
    first.start = Math.max(0, first.end - longest);
  }
  if (segment.start < first.end && segment.start - 0.5 > first.start) {
    first.start = Math.max(0, Math.min(first.end - typical, segment.start));
  } else segment.start = first.start;
  if (segment.end > last.start && segment.end + 0.5 < last.end) {
    last.end = Math.max(last.start + typical, segment.end);
  } else segment.end = last.end;
  return segment.end;
}

function hundredths(seconds: number): number {
  return Number(seconds.toFixed(2));
}
