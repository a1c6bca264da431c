/** One row's text in stretches, with its words and when they were said: from the row's attention, or, where the graphs do not tell it, spread. */
import { SAMPLE_RATE } from "@parlance/contracts";
import type { Turns } from "@parlance/inference";
import { FRAMES, HOP } from "../features.ts";
import { buildPrompt } from "../text/prompt.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import type { Alignment, Spoken } from "./attention.ts";
import { textSegments } from "./text-segments.ts";
import { splitWords } from "./word-splitting.ts";
import { alignWords, spreadWords, type TimedSegment, timeSegments } from "./word-times.ts";

export interface SpokenRow {
  samples: Int16Array;
  /** Whisper's code of what was heard. */
  language: string;
  /** Its text is English. */
  translate: boolean;
  /** As they were said, timestamps among them. */
  tokens: readonly number[];
  /** Log-probability of each. */
  scores: readonly number[];
}

/** Without words when none was said, or there was no audio to say it in. */
export async function timeRow(
  { samples, language, translate, tokens, scores }: SpokenRow,
  vocabulary: Vocabulary,
  align: (spoken: Spoken) => Promise<Alignment | undefined>,
  giveWay: () => Promise<void>,
): Promise<TimedSegment[]> {
  const { control } = vocabulary;
  const frames = Math.min(Math.floor(samples.length / HOP), FRAMES) >> 1;
  const isWord = (token: number) => token < control.endOfText;
  const spoken = tokens.filter(isWord);
  const segments = textSegments(tokens, control.firstTimestamp, samples.length / SAMPLE_RATE);
  if (spoken.length === 0 || frames === 0) return segments.map((segment) => ({ ...segment, words: [] }));
  const prompt = buildPrompt({
    ...{ vocabulary, language: vocabulary.languages.get(language), translate, timestamps: true, context: [] },
  });
  const seen = await align({
    tokens: [...prompt.tokens, control.noTimestamps, ...spoken, control.endOfText],
    ...{ textFrom: prompt.tokens.length + 1, frames },
  });
  // The official code cuts a translation as the language that was spoken.
  const words = splitWords([...spoken, control.endOfText], translate ? "en" : language, vocabulary);
  const said = () => scores.filter((_, place) => isWord(tokens[place] ?? control.endOfText)).map(Math.exp);
  const timed =
    seen === undefined
      ? spreadWords(words, segments, said(), control.endOfText)
      : await inTurns(alignWords(words, seen, prompt.tokens.length), giveWay);
  return timeSegments(timed, segments, control.endOfText);
}

async function inTurns<Result>(work: Turns<Result>, giveWay: () => Promise<void>): Promise<Result> {
  for (;;) {
    const turn = work.next();
    if (turn.done === true) return turn.value;
    await giveWay();
  }
}
