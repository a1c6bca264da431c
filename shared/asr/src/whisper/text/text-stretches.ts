/**
 * A row's text in stretches, as openai-whisper's `transcribe` answers its segments: with the scores of the decoding that they are of.
 * Joined, they are the text, so what is stripped from its ends is stripped from theirs; times never go back. Pure.
 */
import type { TextStretch } from "@parlance/contracts";
import { strip } from "../words/word-splitting.ts";
import type { TimedSegment, TimedWord } from "../words/word-times.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface DecodedRow {
  /** Between two timestamps each, in order, with their words as they leave. */
  segments: readonly TimedSegment[];
  /** Seconds of audio. */
  seconds: number;
  temperature: number;
  logProbability: number;
  compressionRatio: number;
  noSpeechProbability: number;
}

/** Stretches without a letter go to the one before them. */
export function textStretches(row: DecodedRow, { decodeParts }: Pick<Vocabulary, "decodeParts">): TextStretch[] {
  const { segments, seconds } = row;
  const texts = trimmed(decodeParts(segments.map(({ tokens }) => tokens)));
  const stretches: { text: string; segment: TimedSegment }[] = [];
  for (const [place, segment] of segments.entries()) {
    const text = texts[place] ?? "";
    const last = stretches.at(-1);
    if (last !== undefined && strip(text) === "") {
      if (text !== "") Object.assign(last, { text: last.text + text, segment: joined(last.segment, segment) });
    } else if (text !== "") stretches.push({ text, segment });
  }
  const times = spans(
    stretches.map(({ segment }) => segment),
    seconds,
  );
  return stretches.map(({ text, segment }, place) => ({
    ...(times[place] ?? { start: 0, end: seconds }),
    text,
    tokens: [...segment.tokens],
    temperature: row.temperature,
    avg_logprob: row.logProbability,
    compression_ratio: row.compressionRatio,
    no_speech_prob: row.noSpeechProbability,
  }));
}

/**
 * Words without the white space around them, whose times lie inside the row and never go back: the official repairs let some
 * of them overlap.
 */
export function orderedWords(segments: readonly TimedSegment[], seconds: number): TimedSegment[] {
  let end = 0;
  const ordered = (word: TimedWord): TimedWord[] => {
    const text = strip(word.text);
    if (text === "") return [];
    const start = Math.min(seconds, Math.max(end, word.start));
    end = Math.min(seconds, Math.max(start, word.end));
    return [{ ...word, text, start, end }];
  };
  return segments.map((segment) => ({ ...segment, words: segment.words.flatMap(ordered) }));
}

function joined(one: TimedSegment, other: TimedSegment): TimedSegment {
  return {
    ...{ start: one.start, end: other.end, tokens: [...one.tokens, ...other.tokens] },
    words: [...one.words, ...other.words],
  };
}

/** From its first word to its last; a stretch whose words went to its neighbours lies between them. */
function spans(segments: readonly TimedSegment[], seconds: number): { start: number; end: number }[] {
  let end = 0;
  return segments.map(({ words, ...given }, place) => {
    const [first, last] = [words[0], words.at(-1)];
    const following = segments.slice(place + 1).find((segment) => segment.words.length > 0);
    const latest = Math.min(seconds, following?.words[0]?.start ?? seconds);
    const start = Math.max(end, Math.min(first?.start ?? given.start, latest));
    end = Math.max(start, Math.min(last?.end ?? given.end, latest));
    return { start, end };
  });
}

/** Without the white space that the whole begins or ends with. */
function trimmed(texts: readonly string[]): string[] {
  const whole = texts.join("");
  const from = whole.length - whole.trimStart().length;
  const to = Math.max(from, whole.trimEnd().length);
  let place = 0;
  return texts.map((text) => {
    const at = place;
    place += text.length;
    return whole.slice(Math.min(to, Math.max(from, at)), Math.min(to, Math.max(from, place)));
  });
}
