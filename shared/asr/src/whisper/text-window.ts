/** Windows of a Whisper: heard as any row, said greedily and no longer than their audio, and what is stable is what agrees. */
import { SAMPLE_RATE } from "@parlance/contracts";
import type { AsrResult, AsrSegment } from "../types.ts";
import { hearText, type TextWindow, textWindow, WINDOW_TOKENS, windowResult } from "../windows/memory.ts";
import type { WhisperSection } from "./manifest-section.ts";
import type { Attempted } from "./search/attempts.ts";
import { languageName } from "./text/languages.ts";
import type { Vocabulary } from "./text/vocabulary.ts";

/** Without second attempts. */
export function windowSection(section: WhisperSection): WhisperSection {
  const { tokensPerSecond = WINDOW_TOKENS.tokensPerSecond, spareTokens } = section;
  return {
    ...section,
    temperatures: [0],
    tokensPerSecond: Math.min(tokensPerSecond, WINDOW_TOKENS.tokensPerSecond),
    spareTokens: Math.min(spareTokens, WINDOW_TOKENS.spareTokens),
  };
}

/** Its language is Whisper's code, one that the model has. Undefined where the segment is no window. */
export function whisperWindow(
  segment: AsrSegment,
  { languages }: Pick<Vocabulary, "languages">,
): TextWindow | undefined {
  const before = textWindow(segment);
  if (before?.language === undefined || languages.has(before.language)) return before;
  return { ...before, language: undefined };
}

/** What a row came to. */
interface HeardRow extends Attempted {
  /** Whisper's code. */
  language: string;
  logProbability: number;
}

/** `known`: whether the caller named the language, or the model has but one. */
export function hearWindow(before: TextWindow, result: HeardRow, segment: AsrSegment, known: boolean): AsrResult {
  const { language, silence, text, logProbability, finished } = result;
  const heard = hearText(before, {
    ...{ text: silence ? "" : text, seconds: segment.samples.length / SAMPLE_RATE },
    ...{ language, sure: known },
  });
  return windowResult(heard, {
    language: segment.translate === true ? "English" : languageName(language),
    score: silence || text === "" ? null : logProbability,
    truncated: !finished,
  });
}
