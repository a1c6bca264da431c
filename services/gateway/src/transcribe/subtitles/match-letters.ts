/**
 * Which letters of a text are which letters of what was said. Models and aligners tell words without the text's punctuation, its
 * capitals, or its places of words; a word may be left out or written otherwise on either side. Their letters come in the same
 * order, so that both are walked through together; where they differ the walk goes on at the nearest place where the
 * next letters are the same again.
 */

/** So many equal letters in a row are the same place. */
const SURE = 5;
/** How many more letters may be left out on one side than on the other. */
const REACH = 64;
const END = "";
const isLetter = /[\p{L}\p{N}]/u;

/** The letters and numbers of a text, as they are compared. Marks are none: aligners drop them. */
export function lettersOf(text: string): string[] {
  const letters: string[] = [];
  for (const letter of text.toLowerCase()) if (isLetter.test(letter)) letters.push(letter);
  return letters;
}

/** For each letter of the text, the number of the one in `said`; -1 where there is none. They ascend. */
export function matchLetters(text: readonly string[], said: readonly string[]): Int32Array {
  const matches = new Int32Array(text.length).fill(-1);
  let places: Map<string, number[]> | undefined;
  let [here, there] = [0, 0];
  while (here < text.length && there < said.length) {
    if (text[here] === said[there]) {
      matches[here++] = there++;
      continue;
    }
    places ??= placesOf(said);
    const next = findNext(text, here, there, places);
    if (next === undefined) break;
    [here, there] = next;
  }
  return matches;
}

/** Where the walk goes on: the place whose next letters are the same, with the fewest letters left out on both sides. */
function findNext(
  text: readonly string[],
  here: number,
  there: number,
  places: ReadonlyMap<string, readonly number[]>,
): [number, number] | undefined {
  let nearest: { leftOut: number; at: number; place: number } | undefined;
  for (let at = here; at < text.length && at - here < (nearest?.leftOut ?? Number.POSITIVE_INFINITY); at++) {
    const candidates = places.get(keyAt(text, at)) ?? [];
    const place = candidates[firstAtLeast(candidates, there)];
    if (place === undefined || place - there > 2 * (at - here) + REACH) continue;
    const leftOut = at - here + place - there;
    if (leftOut < (nearest?.leftOut ?? Number.POSITIVE_INFINITY)) nearest = { leftOut, at, place };
  }
  return nearest && [nearest.at, nearest.place];
}

/** The next letters → where they are, ascending. */
function placesOf(letters: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const at of letters.keys()) {
    const key = keyAt(letters, at);
    const known = places.get(key);
    if (known === undefined) places.set(key, [at]);
    else known.push(at);
  }
  return places;
}

/** The end of both counts as equal letters. */
function keyAt(letters: readonly string[], at: number): string {
  let key = "";
  for (let ahead = 0; ahead < SURE; ahead++) key += `${letters[at + ahead] ?? END}\n`;
  return key;
}

/** Index of the first of ascending numbers that is not below `least`. */
function firstAtLeast(numbers: readonly number[], least: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
