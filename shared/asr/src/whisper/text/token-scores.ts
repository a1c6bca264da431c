/** The tokens of a text with their log-probabilities, natural log. Pure. */
import type { TokenScore } from "@parlance/contracts";
import type { Vocabulary } from "./vocabulary.ts";

/**
 * Of the words alone: no timestamps, no control tokens. The tokens' bytes, joined, are the text, so white space at its ends is cut
 * off, and with it a token that is nothing else. A token that is a part of a character has U+FFFD in its text, and its bytes.
 *
 * @param scores one for each of the tokens
 */
export function tokenScores(
  tokens: readonly number[],
  scores: readonly number[],
  { decode, bytesOf, control }: Pick<Vocabulary, "decode" | "bytesOf" | "control">,
): TokenScore[] {
  const text = decode(tokens);
  let spare = Buffer.byteLength(text.slice(0, text.length - text.trimStart().length));
  let left = -spare - Buffer.byteLength(text.slice(text.trimEnd().length));
  const words = tokens.map((token, place) => {
    const bytes = token < control.endOfText ? bytesOf(token) : new Uint8Array();
    left += bytes.length;
    return { bytes, logprob: scores[place] ?? 0 };
  });
  return words.flatMap(({ bytes, logprob }) => {
    const own = bytes.subarray(spare).subarray(0, Math.max(0, left));
    spare -= bytes.length - bytes.subarray(spare).length;
    left -= own.length;
    return own.length === 0 ? [] : [{ token: Buffer.from(own).toString(), logprob, bytes: [...own] }];
  });
}
