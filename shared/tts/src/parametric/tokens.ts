/**
 * What the model reads of a text: ids of phones and pauses, and where in its word each phone stands.
 *
 * Every row begins with `^` and ends with a mark and `$`, as every training sentence did.
 */
import type { Pronounced } from "../text/index.ts";

export interface Tokens {
  /** Ids of the model's symbols. */
  symbols: number[];
  /** For each symbol: 1 begins a word, 2 ends one, 3 both, 0 neither. */
  places: number[];
}

const marks = new Set([",", ".", "?", "!"]);

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
    for (const { token, phones } of words) {
      ended = marks.has(token);
      if (ended) {
        if (tokens.symbols.length > 1) add(token, 0);
        continue;
      }
      for (const [index, phone] of phones.entries()) {
        add(phone, (index === 0 ? 1 : 0) | (index === phones.length - 1 ? 2 : 0));
      }
    }
    if (!ended) add(".", 0);
    add("$", 0);
    return tokens;
  };
}
