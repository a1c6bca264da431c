/** Whether a text is believed, tried again at a higher temperature, or taken for silence: openai-whisper's thresholds. */
import { deflateSync } from "node:zlib";
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

/**
 * How many times longer the text is than its deflated form: speech is at about 1.5, "no no no no …" above 2.4.
 * Other builds of zlib than Node's find a few bytes more or less.
 */
export function compressionRatio(text: string): number {
  const bytes = Buffer.from(text);
  return bytes.length / deflateSync(bytes).length;
}
