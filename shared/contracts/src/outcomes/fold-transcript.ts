/**
 * Segment results → their item's transcript: one text, and the times of its words and stretches as the item's. Pure.
 *
 * Both kinds of times go the same way, so they agree: to whole milliseconds, never outside the segment of the audio that they
 * were heard in (a model may hear a word in the zeros behind it), and none begins before the one before it.
 */
import { deflateSync } from "node:zlib";
import type { SegmentResult, TextStretch, Transcript } from "../messages/payloads.ts";
import { joinTexts, mergeLanguages } from "../words/join-text.ts";
import { SAMPLE_RATE } from "../words/words.ts";

export type OkResult = Extract<SegmentResult, { outcome: "ok" }>;

/** @param segments in order, all of them */
export function foldTranscript(segments: readonly OkResult[]): Transcript {
  const logprobs = tokensOf(segments);
  return {
    text: joinTexts(segments),
    language: mergeLanguages(segments.map((segment) => segment.language)),
    ...(segments.some(({ timestamps }) => timestamps) ? { timestamps: shifted(segments, ({ words }) => words) } : {}),
    segments: shifted(segments, stretchesOf).map((stretch, id) => ({ id, ...stretch })),
    ...(logprobs === undefined ? {} : { logprobs }),
    ...(lacksTimes(segments) ? { warnings: [NO_TIMES] } : {}),
  };
}

const NO_TIMES = "timestamps: the model tells no times of words, or not for all that was said";

/** They were asked for, and not all that was said has them: there is no aligner, or none for the language. */
function lacksTimes(segments: readonly OkResult[]): boolean {
  return segments.some(({ timestamps, text, words }) => timestamps && words.length === 0 && /[\p{L}\p{N}]/u.test(text));
}

/** Of the item's audio. */
export function audioSecondsOf(segments: readonly OkResult[]): number {
  return toMilliseconds(segments.reduce((sum, { duration }) => sum + toSamples(duration), 0)) / 1_000;
}

/** What `timed` finds in each segment, with the item's times. */
function shifted<Timed extends { start: number; end: number }>(
  segments: readonly OkResult[],
  timed: (segment: OkResult) => readonly Timed[],
): Timed[] {
  const all: Timed[] = [];
  let from = 0;
  for (const segment of segments) {
    const begin = toSamples(segment.start);
    from = Math.max(from, toMilliseconds(begin));
    const end = Math.max(from, toMilliseconds(begin + toSamples(segment.duration)));
    for (const one of timed(segment)) {
      from = within(from, (segment.start + one.start) * 1_000, end);
      const to = within(from, (segment.start + one.end) * 1_000, end);
      all.push({ ...one, start: from / 1_000, end: to / 1_000 });
    }
    from = end;
  }
  return all;
}

const within = (least: number, milliseconds: number, most: number) =>
  Math.min(most, Math.max(least, Math.round(milliseconds)));

/** `seek` as OpenAI has it: where their segment of the audio begins, in hundredths of a second. */
function stretchesOf(segment: OkResult): (TextStretch & { seek: number })[] {
  const stretches = segment.stretches.length > 0 ? segment.stretches : wholeOf(segment);
  const seek = Math.round(segment.start * 100);
  return stretches.map((stretch) => ({ seek, ...stretch }));
}

/** What a worker of an older version heard is one stretch. */
function wholeOf({ text, duration, score }: OkResult): TextStretch[] {
  if (text === "") return [];
  const stretch = { start: 0, end: duration, text, tokens: [], temperature: 0, avg_logprob: score ?? 0 };
  const compression = Buffer.byteLength(text) / deflateSync(text).length;
  return [{ ...stretch, compression_ratio: compression, no_speech_prob: 0 }];
}

/** Undefined where they were not asked for, or a part of the text has none. */
function tokensOf(segments: readonly OkResult[]): Transcript["logprobs"] {
  const spoken = segments.filter(({ text, tokens }) => text !== "" || tokens !== undefined);
  if (spoken.length === 0 || spoken.some(({ tokens }) => tokens === undefined)) return undefined;
  return spoken.flatMap(({ tokens = [] }) => tokens);
}

/** Starts and lengths are whole samples: so that where one segment ends is exactly where the next one begins. */
function toSamples(seconds: number): number {
  return Math.round(seconds * SAMPLE_RATE);
}

function toMilliseconds(samples: number): number {
  return Math.round((samples * 1_000) / SAMPLE_RATE);
}
