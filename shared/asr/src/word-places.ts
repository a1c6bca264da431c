/** Where words stand in the text that they were taken from. Pure. */

/** In UTF-16 units: its first character, and the one behind its last. */
export interface Place {
  from: number;
  to: number;
}

/**
 * The words' places, in order. A word may lack characters that the text has inside it (an aligner's "dont" of "don-t"), and there
 * may be any between two words. Undefined when a word is not found.
 */
export function wordPlaces(text: string, words: readonly string[]): Place[] | undefined {
  const places: Place[] = [];
  let at = 0;
  for (const word of words) {
    let from: number | undefined;
    for (const character of word) {
      at = text.indexOf(character, at);
      if (at === -1) return undefined;
      from ??= at;
      at += character.length;
    }
    places.push({ from: from ?? at, to: at });
  }
  return places;
}
