/** Results that differ in nothing but the rounding of their scores: sums may come in another order where other rows are beside. */
import type { WhisperResult } from "../transcriber.ts";

/** Makes what a number equals that is nearly it; the test's `expect`. */
interface Nearly {
  closeTo(value: number, digits: number): unknown;
}

/** What a result equals that is nearly this one; a no-speech probability is very small, and is looked at apart. */
export function alike({ scores, segments, words, ...result }: WhisperResult, nearly: Nearly) {
  const close = (value: number) => nearly.closeTo(value, 4);
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
