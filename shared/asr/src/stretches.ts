/** A row's text as stretches with times and scores, where the architecture tells none apart itself. Pure. */
import { deflateSync } from "node:zlib";
import type { TextStretch } from "@parlance/contracts";

export interface WholeText {
  text: string;
  /** Of the row's audio. */
  seconds: number;
  /** Mean log-probability per token, natural log; null when it is not known. */
  score: number | null;
  tokens?: readonly number[] | undefined;
  temperature?: number | undefined;
}

/** The text as the one stretch that it is; none when nothing was said. */
export function wholeStretch({ text, seconds, score, tokens = [], temperature = 0 }: WholeText): TextStretch[] {
  if (text === "") return [];
  return [
    {
      ...{ start: 0, end: seconds, text, tokens: [...tokens], temperature },
      avg_logprob: score ?? 0,
      compression_ratio: compressionRatio(text),
      no_speech_prob: 0,
    },
  ];
}

/**
 * How many times longer the text is than its deflated form: speech is at about 1.5, "no no no no …" above 2.4.
 * Other builds of zlib than Node's find a few bytes more or less.
 */
export function compressionRatio(text: string): number {
  const bytes = Buffer.from(text);
  return bytes.length / deflateSync(bytes).length;
}
