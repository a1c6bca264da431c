/**
 * The prompt of Qwen3-ASR: a system turn with the context (always there, also when empty), a user turn with the audio, and
 * the opened turn of the assistant, in which a forced language is already said.
 *
 * The context biases what is heard, no more. It is the caller's text: strings that the tokenizer takes for control tokens
 * are cut out of it, or a context could close its own turn or shift the audio.
 */
import { type VectorInputs, withoutControlTokens } from "@parlance/generation";
import type { PromptTokenizer } from "./prompt-tokenizer.ts";

/** What the graphs call their inputs for the audio's embeddings. */
export const vectorInputs: VectorInputs = { rows: "audio_rows", places: "audio_places" };

const audioMark = "<|audio_pad|>";
export interface PromptOptions {
  /** Raw text for the system turn. */
  context: string;
  /** English name to force, or undefined to let the model tell. */
  language: string | undefined;
  /** Places that the audio takes. */
  audioTokens: number;
}

export interface Prompt {
  tokens: number[];
  /** Index of the first place of the audio. */
  vectorsFrom: number;
}

/** What the model is told to expect: the context, and the hotwords, in one text. */
export function contextOf(
  tokenizer: Pick<PromptTokenizer, "controlTokens">,
  hotwords: readonly string[],
  context = "",
): string {
  return withoutControlTokens(tokenizer, [context, hotwords.join(" ")].filter((part) => part !== "").join(" "));
}

export function buildPrompt(tokenizer: PromptTokenizer, { context, language, audioTokens }: PromptOptions): Prompt {
  const forced = language === undefined ? "" : `language ${language}<asr_text>`;
  const text =
    `<|im_start|>system\n${context}<|im_end|>\n<|im_start|>user\n<|audio_start|>${audioMark}<|audio_end|><|im_end|>\n` +
    `<|im_start|>assistant\n${forced}`;
  return expandAudio(tokenizer, text, audioTokens);
}

/** The text's tokens, with its one mark for audio as often as the audio has places. */
export function expandAudio(tokenizer: PromptTokenizer, text: string, audioTokens: number): Prompt {
  const tokens = tokenizer.encode(text);
  const vectorsFrom = tokens.indexOf(tokenizer.audioToken);
  tokens.splice(vectorsFrom, 1, ...new Array<number>(audioTokens).fill(tokenizer.audioToken));
  return { tokens, vectorsFrom };
}
