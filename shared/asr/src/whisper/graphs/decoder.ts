/**
 * What the architecture needs of a model's graphs, whichever layout they are in: this room has the layouts. Parlance's own is
 * own-graphs.ts, with the loop inside it loop-graphs.ts; other people's are published-graphs.ts.
 */
import type { AllScores, NodeScores } from "../search/scores.ts";
import type { Decoded, Step } from "../search/search.ts";
import type { Suppression } from "../search/suppression.ts";
import type { Prompt } from "../text/prompt.ts";

export interface WhisperGraphs {
  readonly computeType: string;
  /** Hears a pass. Each row's features are [mels, 3000]. */
  encode(features: readonly Float32Array[]): Promise<EncodedRows>;
  /** The encoder's last states [rows, 1500, width]; the features of several rows stand one behind the other. */
  hear(features: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Rows are named by their place in the pass. A stream that is begun ends the one before it. */
export interface EncodedRows {
  /** Whole rows in one run, where the device keeps the memory; absent where every token is a run. */
  readonly loop?: RowLoop;
  /** Runs a prompt in every row that has one. */
  begin(options: BeginOptions): Promise<TokenStream>;
  /**
   * The cross attention of the heads that align, while the row says `tokens` (prompt, text and end); undefined when the graphs do not tell.
   * Rows that have no tokens have no answer.
   */
  align(
    tokens: ReadonlyMap<number, readonly number[]>,
    frames: (row: number) => number,
  ): Promise<Map<number, Attention>> | undefined;
}

export interface RowLoop {
  /** Scores at each prompt's start token of all tokens from the end of text on, none suppressed. */
  start(prompts: ReadonlyMap<number, Prompt>): Promise<Map<number, Float32Array>>;
  /** Greedy texts under openai-whisper's rules. */
  decode(rows: ReadonlyMap<number, LoopRow>, suppression: Suppression): Promise<Map<number, Decoded>>;
}

export interface LoopRow {
  prompt: Prompt;
  timestamps: boolean;
  /** Most tokens that may be said. */
  budget: number;
}

export interface BeginOptions {
  prompts: ReadonlyMap<number, Prompt>;
  /** Nodes that each row has from the second run on. */
  nodes: number;
  /** How many of the likeliest words are wanted. */
  candidates: number;
  /** Whether all words' scores are wanted. */
  allWords: boolean;
  /** Added to the words' scores of the first token after the prompt, and of all others. */
  firstBias: Float32Array;
  bias: Float32Array;
}

export interface TokenStream {
  /** Scores at the start token, none suppressed. */
  readonly start: ReadonlyMap<number, AllScores>;
  /** Scores of the first token after the prompt. */
  readonly first: ReadonlyMap<number, NodeScores>;
  /** Says one token more in every row that is named; rows that are not have ended. */
  step(steps: ReadonlyMap<number, Step>): Promise<Map<number, NodeScores[]>>;
}

/** Shares of each frame in each token, [heads, tokens, frames]; frames behind the audio are left out. */
export interface Attention {
  data: Float32Array;
  heads: number;
  tokens: number;
  frames: number;
}
