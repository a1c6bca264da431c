/** The words of one row's text with their times: from its attention, or, where the graphs do not tell it, spread over its stretches. */
import { SAMPLE_RATE } from "@parlance/contracts";
import type { Turns } from "@parlance/inference";
import { FRAMES, HOP } from "../features.ts";
import { buildPrompt } from "../text/prompt.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import type { Attention } from "./attention.ts";
import { textSegments } from "./text-segments.ts";
import { splitWords } from "./word-splitting.ts";
import { alignWords, spreadWords, type TimedWord, wordsOfSegments } from "./word-times.ts";

export interface SpokenRow {
  samples: Int16Array;
  /** Whisper's code. */
  language: string;
  /** As they were said, timestamps among them. */
  tokens: readonly number[];
}

/** Empty when nothing was said, or there was no audio to say it in. */
export async function timeWords(
  { samples, language, tokens }: SpokenRow,
  vocabulary: Vocabulary,
  align: (tokens: readonly number[], frames: number) => Promise<Attention | undefined>,
  giveWay: () => Promise<void>,
): Promise<TimedWord[]> {
  const { control } = vocabulary;
  const frames = Math.min(Math.floor(samples.length / HOP), FRAMES) >> 1;
  const spoken = tokens.filter((token) => token < control.endOfText);
  if (spoken.length === 0 || frames === 0) return [];
  const prompt = buildPrompt({
    ...{ vocabulary, language: vocabulary.languages.get(language), timestamps: true, context: [] },
  });
  const seen = await align([...prompt.tokens, control.noTimestamps, ...spoken, control.endOfText], frames);
  const words = splitWords([...spoken, control.endOfText], language, vocabulary);
  const segments = textSegments(tokens, control.firstTimestamp, samples.length / SAMPLE_RATE);
  const timed =
    seen === undefined
      ? spreadWords(words, segments, control.endOfText)
      : await inTurns(alignWords(words, seen, prompt.tokens.length), giveWay);
  return wordsOfSegments(timed, segments, control.endOfText);
}

async function inTurns<Result>(work: Turns<Result>, giveWay: () => Promise<void>): Promise<Result> {
  for (;;) {
    const turn = work.next();
    if (turn.done === true) return turn.value;
    await giveWay();
  }
}
