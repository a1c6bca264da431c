/**
 * What the model reads of a text: ids of phones and pauses, and where in its word each phone stands.
 *
 * Every row begins with `^` and ends with a mark and `$`, as every training sentence did.
 */
import type { Pronounced } from "./stub-pronouncer.ts";

export interface Tokens {
  /** Ids of the model's symbols. */
  symbols: number[];
  /** For each symbol: 1 begins a word, 2 ends one, 3 both, 0 neither. */
  places: number[];
}

const marks = new Set([",", ".", "?", "!"]);
const vowel = /^[aeiou]/;

export type Tokenise = (words: readonly Pronounced[]) => Tokens;

/** Throws when a phone is none of the model's: the lexicon and the model do not belong together. */
export function createTokeniser(symbols: readonly string[]): Tokenise {
  const ids = new Map(symbols.map((symbol, id) => [symbol, id]));
  const idOf = (symbol: string): number => {
    // Secondary stress is primary to a model without it.
    const id = ids.get(symbol) ?? ids.get(symbol.replace(/2$/, "1"));
    if (id === undefined) throw new Error(`the model has no symbol ${symbol}`);
    return id;
  };

  return (words) => {
    const tokens: Tokens = { symbols: [idOf("^")], places: [0] };
    const add = (symbol: string, place: number): void => {
      tokens.symbols.push(idOf(symbol));
      tokens.places.push(place);
    };
    let ended = false;
    for (const [at, { token, phones }] of words.entries()) {
      ended = marks.has(token);
      if (ended) {
        if (tokens.symbols.length > 1) add(token, 0);
        continue;
      }
      const said = token === "the" ? article(phones, words[at + 1]?.phones[0]) : phones;
      for (const [index, phone] of said.entries()) {
        add(phone, (index === 0 ? 1 : 0) | (index === said.length - 1 ? 2 : 0));
      }
    }
    if (!ended) add(".", 0);
    add("$", 0);
    return tokens;
  };
}

/** "the" sounds like "thee" before a vowel. */
function article(phones: readonly string[], next: string | undefined): readonly string[] {
  return next !== undefined && vowel.test(next) ? phones.map((phone) => (phone === "ah0" ? "iy0" : phone)) : phones;
}
