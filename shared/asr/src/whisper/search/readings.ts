/** What searches and graphs tell each other, beside scores and steps. */
import type { Prompt } from "../text/prompt.ts";
import type { AllScores } from "./scores.ts";

/** At the start token, none suppressed: whether anybody speaks, and in which language. */
export interface StartScores {
  /** Of all tokens from the end of text on. */
  rest: Float32Array;
  /** Log of the sum of the exponentials of all scores. */
  total: number;
}

export interface Reading {
  start: StartScores;
  /** Scores of the first token after the prompt, none suppressed. */
  first: AllScores;
}

/** What a step is to tell of each node. */
export interface Wanted {
  /** How many of the likeliest words. */
  candidates: number;
  /** Whether all words' scores are wanted. */
  allWords: boolean;
  /** Added to the words' scores. */
  bias: Float32Array;
}

export interface LoopRow {
  prompt: Prompt;
  timestamps: boolean;
  /** What the row has said so far. */
  said: readonly number[];
  /** Most tokens that may be said yet, at least 1. */
  budget: number;
}

export interface Looped {
  /** Without the end of the text. */
  tokens: number[];
  /** Log-probability of each, and of the end of the text. */
  scores: number[];
  /** Whether the text has ended. */
  finished: boolean;
  start: StartScores;
}
