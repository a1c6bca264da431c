/** Which phones each letter of a word stands for: none, one or two, found by counting over the whole lexicon. */

export interface Entry {
  word: string;
  phones: readonly string[];
}

/** One chunk per letter, its phones joined by a blank: "box" → ["b", "aa1", "k s"]. Undefined when there are too many phones. */
export type Alignment = readonly string[] | undefined;

/** Hard expectation maximisation: each round aligns every word with what the last round counted. */
export function alignLexicon(entries: readonly Entry[], rounds: number): Alignment[] {
  let weights = new Map<string, number>();
  let alignments: Alignment[] = [];
  for (let round = 0; round < rounds; round++) {
    const counts = new Map<string, number>();
    const totals = new Map<string, number>();
    alignments = entries.map((entry) => align(entry, weights, round === 0));
    for (const [index, chunks] of alignments.entries()) {
      const word = entries[index]?.word ?? "";
      for (const [place, chunk] of (chunks ?? []).entries()) {
        const key = `${word[place]}=${chunk.replace(/\d/g, "")}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
        totals.set(word[place] ?? "", (totals.get(word[place] ?? "") ?? 0) + 1);
      }
    }
    weights = new Map([...counts].map(([key, count]) => [key, Math.log(count / (totals.get(key[0] ?? "") ?? 1))]));
  }
  return alignments;
}

const vowelLetters = /[aeiouy]/;
const vowelPhone = /\d$/;

function align({ word, phones }: Entry, weights: ReadonlyMap<string, number>, first: boolean): Alignment {
  const width = phones.length + 1;
  const best = new Float64Array((word.length + 1) * width).fill(-Infinity);
  const taken = new Uint8Array(best.length);
  best[0] = 0;
  for (let letter = 0; letter < word.length; letter++) {
    for (let phone = 0; phone < width; phone++) {
      const so = best[letter * width + phone] ?? -Infinity;
      if (so === -Infinity) continue;
      for (let count = 0; count <= 2 && phone + count < width; count++) {
        const chunk = phones.slice(phone, phone + count);
        const step = first
          ? firstGuess(word[letter] ?? "", chunk)
          : (weights.get(`${word[letter]}=${chunk.join(" ").replace(/\d/g, "")}`) ?? -12);
        const to = (letter + 1) * width + phone + count;
        if (so + step > (best[to] ?? 0)) {
          best[to] = so + step;
          taken[to] = count;
        }
      }
    }
  }
  let phone = phones.length;
  if (best[word.length * width + phone] === -Infinity) return undefined;
  const chunks: string[] = [];
  for (let letter = word.length; letter > 0; letter--) {
    const count = taken[letter * width + phone] ?? 0;
    chunks.unshift(phones.slice(phone - count, phone).join(" "));
    phone -= count;
  }
  return chunks;
}

/** Before anything is counted: vowels go with vowels, one letter with one phone, a letter with a phone of its name best. */
function firstGuess(letter: string, chunk: readonly string[]): number {
  if (chunk.length === 0) return -3;
  const fits = chunk.filter((phone) => vowelPhone.test(phone) === vowelLetters.test(letter)).length;
  const named = chunk[0]?.startsWith(letter) ? 1 : 0;
  return named + (fits - chunk.length) * 4 - (chunk.length - 1) * 4;
}
