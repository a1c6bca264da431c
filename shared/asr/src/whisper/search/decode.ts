/** Decodes the rows of a pass: which language each speaks, and what a search of each row finds. */
import type { EncodedRows, LoopRow } from "../graphs/decoder.ts";
import type { Prompt } from "../text/prompt.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { type AllScores, logSumExp } from "./scores.ts";
import type { Decoded, Search, Step } from "./search.ts";
import type { Suppression } from "./suppression.ts";

export interface Heard {
  /** Whisper's code. */
  code: string;
  token: number;
  /** Among all languages. */
  probability: number;
}

/** The likeliest language of each row, from the scores that follow `<|startoftranscript|>` alone. */
export async function detectLanguages(
  encoded: EncodedRows,
  rows: readonly number[],
  vocabulary: Vocabulary,
): Promise<Map<number, Heard>> {
  if (rows.length === 0) return new Map();
  const prompt: Prompt = { tokens: [vocabulary.control.startOfTranscript], start: 0 };
  const prompts = new Map(rows.map((row) => [row, prompt]));
  const starts =
    encoded.loop === undefined ? await startScores(encoded, prompts, vocabulary) : await encoded.loop.start(prompts);
  const heard = new Map<number, Heard>();
  for (const [row, rest] of starts) {
    const scores = [...vocabulary.languages].map(([code, token]) => ({
      code,
      token,
      score: rest[token - vocabulary.control.endOfText] ?? Number.NEGATIVE_INFINITY,
    }));
    const total = logSumExp(scores.map(({ score }) => score));
    const [first, ...others] = scores;
    if (first === undefined) continue;
    const { code, token, score } = others.reduce((best, next) => (next.score > best.score ? next : best), first);
    heard.set(row, { code, token, probability: Math.exp(score - total) });
  }
  return heard;
}

async function startScores(
  encoded: EncodedRows,
  prompts: ReadonlyMap<number, Prompt>,
  { control }: Vocabulary,
): Promise<Map<number, Float32Array>> {
  const none = new Float32Array(control.endOfText);
  const stream = await encoded.begin({
    ...{ prompts, nodes: 1, candidates: 1, allWords: false },
    ...{ firstBias: none, bias: none },
  });
  return new Map([...stream.start].map(([row, { rest }]) => [row, rest]));
}

export interface RowSearch {
  prompt: Prompt;
  search: Search;
}

/** Runs every row's search to its end. All searches ask for the same number of nodes and candidates. */
export async function decodeRows(
  encoded: EncodedRows,
  rows: ReadonlyMap<number, RowSearch>,
  suppression: Suppression,
  { control }: Pick<Vocabulary, "control">,
): Promise<Map<number, Decoded>> {
  const [any] = rows.values();
  if (any === undefined) return new Map();
  if (encoded.loop !== undefined) {
    const looped = [...rows].flatMap(([row, { prompt, search }]): [number, LoopRow][] =>
      search.greedy === undefined ? [] : [[row, { prompt, ...search.greedy }]],
    );
    if (looped.length === rows.size) return encoded.loop.decode(new Map(looped), suppression);
  }
  const { nodes, candidates, allWords } = any.search;
  const stream = await encoded.begin({
    prompts: new Map([...rows].map(([row, { prompt }]) => [row, prompt])),
    ...{ nodes, candidates, allWords },
    firstBias: suppression.firstWords,
    bias: suppression.words,
  });
  const noSpeech = new Map(
    [...stream.start].map(([row, scores]) => [row, probability(scores, control.noSpeech - control.endOfText)]),
  );
  let steps = new Map<number, Step>();
  for (const [row, { search }] of rows) {
    const scores = stream.first.get(row);
    const step = scores === undefined ? undefined : search.advance([scores]);
    if (step !== undefined) steps.set(row, step);
  }
  while (steps.size > 0) {
    const answers = await stream.step(steps);
    steps = new Map();
    for (const [row, scores] of answers) {
      const step = rows.get(row)?.search.advance(scores);
      if (step !== undefined) steps.set(row, step);
    }
  }
  return new Map(
    [...rows].map(([row, { search }]) => [row, { ...search.result(), noSpeechProbability: noSpeech.get(row) ?? 0 }]),
  );
}

function probability({ words, rest }: AllScores, place: number): number {
  return Math.exp((rest[place] ?? Number.NEGATIVE_INFINITY) - logSumExp([logSumExp(words), logSumExp(rest)]));
}
