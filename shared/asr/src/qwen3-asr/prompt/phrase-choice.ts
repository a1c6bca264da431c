/**
 * The likeliest of a list of phrases: each is said to the model token by token, and the model says how likely that is. The
 * model writes "Yes." where a list has "yes", so a phrase counts with a capital and a full stop too.
 */
import type { Decoder, GiveWay, PromptRow } from "@parlance/generation";
import type { PromptTokenizer } from "./prompt-tokenizer.ts";

export interface PhraseChoice {
  text: string;
  /** Log of its probability among the phrases of the list. */
  score: number;
}

/** The ways in which a phrase may be written. */
export function spellings(phrase: string): string[] {
  const plain = phrase.trim();
  const [first = ""] = plain;
  const capital = first.toUpperCase() + plain.slice(first.length);
  const all = [plain, capital].flatMap((text) =>
    /[\p{L}\p{N}]$/u.test(text) ? [text, `${text}.`, `${text}。`] : [text],
  );
  return [...new Set(all)];
}

/** `row` is the prompt behind which a phrase would stand. */
export async function choosePhrase(
  weigh: NonNullable<Decoder["weigh"]>,
  tokenizer: PromptTokenizer,
  row: PromptRow,
  phrases: readonly string[],
  giveWay: GiveWay,
): Promise<PhraseChoice> {
  const [end = 0] = tokenizer.endTokens;
  const ways = phrases.flatMap((phrase, index) => spellings(phrase).map((text) => ({ index, text })));
  const sums = await weigh(
    row,
    ways.map(({ text }) => [...tokenizer.encode(text), end]),
    giveWay,
  );
  const totals = phrases.map((_, index) => logSumExp(sums.filter((_, way) => ways[way]?.index === index)));
  const best = totals.reduce((winner, total, index) => (total > (totals[winner] ?? 0) ? index : winner), 0);
  return { text: phrases[best] ?? "", score: (totals[best] ?? 0) - logSumExp(totals) };
}

function logSumExp(values: readonly number[]): number {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
