/** Which language a row speaks: the likeliest of all, by what follows the start token alone. */
import type { Vocabulary } from "../text/vocabulary.ts";
import type { StartScores } from "./readings.ts";
import { logSumExp } from "./scores.ts";

export interface Heard {
  /** Whisper's code. */
  code: string;
  token: number;
  /** Among all languages. */
  probability: number;
}

/** Undefined where a vocabulary has no languages. */
export function detectLanguage(
  { rest }: Pick<StartScores, "rest">,
  { languages, control }: Pick<Vocabulary, "languages" | "control">,
): Heard | undefined {
  const scores = [...languages].map(([code, token]) => ({
    code,
    token,
    score: rest[token - control.endOfText] ?? Number.NEGATIVE_INFINITY,
  }));
  const total = logSumExp(scores.map(({ score }) => score));
  const [first, ...others] = scores;
  if (first === undefined) return undefined;
  const { code, token, score } = others.reduce((best, next) => (next.score > best.score ? next : best), first);
  return { code, token, probability: Math.exp(score - total) };
}
