/** Results that differ in nothing but the rounding of their scores: sums may come in another order where other rows are beside. */
import type { WhisperResult } from "../transcriber.ts";

/**
 * What a result equals that is nearly this one, but for its no-speech probability, which is very small.
 *
 * @param near makes what a number equals that is nearly it, to so many digits
 */
export function alike<Near>(
  { scores, segments, words, ...result }: WhisperResult,
  near: (value: number, digits: number) => Near,
) {
  const close = (value: number) => near(value, 4);
  const closeWords = (of: WhisperResult["words"]) =>
    of.map((word) => ({ ...word, probability: close(word.probability) }));
  return {
    ...{
      ...result,
      logProbability: close(result.logProbability),
      noSpeechProbability: close(result.noSpeechProbability),
    },
    ...{ scores: scores.map(close), words: closeWords(words) },
    segments: segments.map((segment) => ({ ...segment, words: closeWords(segment.words) })),
  };
}
