/** Whether a text is believed, tried again at a higher temperature, or taken for silence: openai-whisper's thresholds. */
import type { WhisperSection } from "../manifest-section.ts";

export interface Attempt {
  compressionRatio: number;
  /** Mean log-probability per token, natural log. */
  logProbability: number;
  noSpeechProbability: number;
}

export type Thresholds = Pick<
  WhisperSection,
  "compressionRatioThreshold" | "logProbabilityThreshold" | "noSpeechThreshold"
>;

/** True when the text repeats itself or is a guess, unless it is a guess because nobody speaks. */
export function needsFallback(attempt: Attempt, thresholds: Thresholds): boolean {
  const guess = attempt.logProbability < thresholds.logProbabilityThreshold;
  if (guess && attempt.noSpeechProbability > thresholds.noSpeechThreshold) return false;
  return guess || attempt.compressionRatio > thresholds.compressionRatioThreshold;
}

export function isSilence(attempt: Omit<Attempt, "compressionRatio">, thresholds: Thresholds): boolean {
  const { logProbability, noSpeechProbability } = attempt;
  return noSpeechProbability > thresholds.noSpeechThreshold && logProbability <= thresholds.logProbabilityThreshold;
}
