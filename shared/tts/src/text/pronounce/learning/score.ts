/** How far pronunciations are from the lexicon's. */

export interface Score {
  words: number;
  /** Substitutions, deletions and insertions per phone of the lexicon, stress left aside. */
  phoneErrorRate: number;
  /** Of the words whose phones are right, how many have their stresses where the lexicon has them. */
  stressRight: number;
  /** Words with all phones right, stress left aside. */
  wordsRight: number;
}

export function score(pairs: Iterable<{ phones: readonly string[]; said: readonly string[] }>): Score {
  let words = 0;
  let errors = 0;
  let phonesOfAll = 0;
  let right = 0;
  let stressed = 0;
  for (const { phones, said } of pairs) {
    words++;
    phonesOfAll += phones.length;
    const wrong = distance(phones.map(bare), said.map(bare));
    errors += wrong;
    if (wrong > 0) continue;
    right++;
    if (phones.join(" ") === said.join(" ")) stressed++;
  }
  return { words, phoneErrorRate: errors / phonesOfAll, stressRight: stressed / right, wordsRight: right / words };
}

const bare = (phone: string) => phone.replace(/\d/, "");

function distance(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [index, phone] of a.entries()) {
    const next = [index + 1];
    for (const [place, other] of b.entries()) {
      next.push(
        Math.min((row[place] ?? 0) + (phone === other ? 0 : 1), (row[place + 1] ?? 0) + 1, (next[place] ?? 0) + 1),
      );
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
