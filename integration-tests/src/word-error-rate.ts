/** Word error rate: Levenshtein distance over words, after lower-casing and dropping what is not a letter, digit or apostrophe. */

export function words(text: string): string[] {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}' ]+/gu, " ")
    .split(/\s+/)
    .filter((word) => word !== "");
}

/** Substitutions, insertions and deletions that turn `reference` into `hypothesis`. */
export function editDistance(reference: readonly string[], hypothesis: readonly string[]): number {
  let previous = Array.from({ length: hypothesis.length + 1 }, (_, column) => column);
  for (const [row, expected] of reference.entries()) {
    const current = [row + 1];
    for (const [column, got] of hypothesis.entries()) {
      current.push(
        Math.min(
          (previous[column + 1] ?? 0) + 1,
          (current[column] ?? 0) + 1,
          (previous[column] ?? 0) + (expected === got ? 0 : 1),
        ),
      );
    }
    previous = current;
  }
  return previous[hypothesis.length] ?? 0;
}

export interface ErrorCount {
  errors: number;
  words: number;
}

export function countErrors(reference: string, hypothesis: string): ErrorCount {
  const expected = words(reference);
  return { errors: editDistance(expected, words(hypothesis)), words: expected.length };
}

/** Percent over all pairs together, not the mean of their rates. */
export function wordErrorRate(counts: readonly ErrorCount[]): number {
  const total = counts.reduce((sum, count) => ({ errors: sum.errors + count.errors, words: sum.words + count.words }), {
    errors: 0,
    words: 0,
  });
  return total.words === 0 ? 0 : (100 * total.errors) / total.words;
}
