/** What the decoder is given before it speaks: `<|startofprev|> context <|startoftranscript|> language task timestamps`. */

import { strip } from "../words/word-splitting.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface Prompt {
  tokens: number[];
  /** Place of `<|startoftranscript|>`: the scores there tell the language and whether anybody speaks. */
  start: number;
}

export interface PromptOptions {
  vocabulary: Vocabulary;
  /** Token of the language; ignored by English-only models. */
  language: number | undefined;
  /** Whether English is to be said whatever is spoken; ignored by English-only models. Default false. */
  translate?: boolean | undefined;
  timestamps: boolean;
  /** Tokens of the context. */
  context: readonly number[];
}

export function buildPrompt(options: PromptOptions): Prompt {
  const { vocabulary, language, translate = false, timestamps, context } = options;
  const { control, multilingual } = vocabulary;
  const before = context.length > 0 ? [control.startOfPrevious, ...context] : [];
  const tokens = [...before, control.startOfTranscript];
  if (multilingual && language !== undefined) tokens.push(language, translate ? control.translate : control.transcribe);
  if (!timestamps) tokens.push(control.noTimestamps);
  return { tokens, start: before.length };
}

/**
 * Context and hotwords as the text that came before, its last `longest` tokens; the official code does the same with a prompt. The
 * hotwords stand at the end: where they fit alone, none of them is lost.
 */
export function contextTokens(
  vocabulary: Pick<Vocabulary, "encode">,
  context: string,
  hotwords: readonly string[],
  longest: number,
): number[] {
  const text = [strip(context), hotwords.join(", ")].filter((part) => part !== "").join(" ");
  return text === "" ? [] : vocabulary.encode(` ${text}`).slice(-longest);
}

/** Tokens that a given text may have behind such a context: with the end of the text it fits the model's positions. */
export function roomBehind(
  { multilingual }: Pick<Vocabulary, "multilingual">,
  context: number,
  positions: number,
): number {
  const prompt = (context > 0 ? context + 1 : 0) + (multilingual ? 4 : 2);
  return positions - prompt - 1;
}

/** How many tokens of context the model was trained with: half its positions less one. */
export function longestContext(positions: number): number {
  return positions / 2 - 1;
}
