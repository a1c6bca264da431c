/** How far the tokens of one way are those of another. */
import type { WayAnswer } from "./way-child.ts";

export interface Comparison {
  /** Share of the expected tokens that came at their place. */
  share: number;
  /** Rows that are the same from the first to the last token. */
  sameRows: number;
  /** Where the first row parts, for the page. */
  firstDifference: string | undefined;
}

export function compareTokens(expected: Pick<WayAnswer, "tokens">, found: Pick<WayAnswer, "tokens">): Comparison {
  let [same, all, sameRows] = [0, 0, 0];
  let firstDifference: string | undefined;
  if (expected.tokens.length !== found.tokens.length)
    throw new RangeError("the ways decoded different numbers of rows");
  for (const [row, tokens] of expected.tokens.entries()) {
    const others = found.tokens[row] ?? [];
    const longest = Math.max(tokens.length, others.length);
    const parts = Array.from({ length: longest }, (_, place) => place).find((place) => tokens[place] !== others[place]);
    all += longest;
    same += tokens.filter((token, place) => token === others[place]).length;
    if (parts === undefined) sameRows++;
    else
      firstDifference ??= `row ${row}, token ${parts}: ${others[parts] ?? "the end"} instead of ${tokens[parts] ?? "the end"}`;
  }
  return { share: all === 0 ? 1 : same / all, sameRows, firstDifference };
}

/** For a page. */
export function tellEqual({ share, sameRows }: Comparison): string {
  return share === 1 ? "all" : `${(100 * share).toFixed(2)} % (${sameRows} rows whole)`;
}
