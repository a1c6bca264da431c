/**
 * A text as it is compared and cut: words, and in scripts that are written without spaces single characters. Of a unit only letters,
 * digits and their marks count; what else stands around it is told but never compared. A text is cut behind a unit, which never
 * parts a character as its reader sees it. Pure.
 */

export interface Unit {
  /** What is compared: letters, digits and marks in lower case, in one form for all that look alike. */
  key: string;
  /** Places in the text: of its first letter, and behind its last. */
  from: number;
  to: number;
}

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });
const spaces = /^\s/u;
const letters = /[\p{L}\p{N}]/u;
const notCompared = /[^\p{L}\p{N}\p{M}]/gu;
const lastCharacter = /.\p{M}*$/su;
const spaceless =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export function unitsOf(text: string): Unit[] {
  const places: Omit<Unit, "key">[] = [];
  /** The word that goes on. */
  let open: Omit<Unit, "key"> | undefined;
  for (const { segment, index } of graphemes.segment(text)) {
    const to = index + segment.length;
    const alone = spaceless.test(segment);
    if (alone || spaces.test(segment)) open = undefined;
    if (!letters.test(segment)) continue;
    if (open !== undefined) {
      open.to = to;
      continue;
    }
    const place = { from: index, to };
    places.push(place);
    if (!alone) open = place;
  }
  return places.map((place) => ({ ...place, key: keyOf(text.slice(place.from, place.to)) }));
}

/** Whether the text begins with a character of a script that has no spaces. */
export function beginsSpaceless(text: string): boolean {
  return spaceless.test(text);
}

/** Whether it ends with one. */
export function endsSpaceless(text: string): boolean {
  return spaceless.test(text.slice(text.search(lastCharacter)));
}

function keyOf(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(notCompared, "");
}
