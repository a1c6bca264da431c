/**
 * What of a row's text is certain while it is still looked for: words that every text has which the search may yet answer.
 * Timestamps are left out. Pure.
 */
import type { Vocabulary } from "../text/vocabulary.ts";

/** Tokens below `endOfText` that all texts begin with. */
export function sharedWords(texts: readonly (readonly number[])[], endOfText: number): number[] {
  const [first = [], ...others] = texts.map((tokens) => tokens.filter((token) => token < endOfText));
  const shared = (token: number, place: number) => others.every((text) => text[place] === token);
  const parts = first.findIndex((token, place) => !shared(token, place));
  return parts < 0 ? first : first.slice(0, parts);
}

/**
 * How many of the tokens are whole words: no token that follows makes one of them longer. In languages without spaces, how
 * many are whole characters.
 */
export function wholeWords(
  tokens: readonly number[],
  { decode, decodeSoFar }: Pick<Vocabulary, "decode" | "decodeSoFar">,
  spaced: boolean,
): number {
  // What stands before a space has ended, even where its bytes are no characters.
  if (spaced)
    return Math.max(
      0,
      tokens.findLastIndex((token) => decode([token]).startsWith(" ")),
    );
  let count = tokens.length;
  while (count > 0 && decodeSoFar(tokens.slice(0, count)) !== decode(tokens.slice(0, count))) count--;
  return count;
}
