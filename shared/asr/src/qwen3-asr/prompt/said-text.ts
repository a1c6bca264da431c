/**
 * The text of an answer as it was said, token by token: without the language, the tag and the space around it, and before
 * any repair of repetitions. Whatever a token brings is told in bytes, since it may begin and end inside a character.
 */
import type { TokenScore, Word } from "@parlance/contracts";
import type { Decoded } from "@parlance/generation";
import { confidenceOf } from "../../confidence.ts";
import type { TextToken } from "../../stretches.ts";
import { wordPlaces } from "../../word-places.ts";
import type { PromptTokenizer } from "./prompt-tokenizer.ts";
import { strip, stripStart } from "./python-text.ts";
import { textTag } from "./spoken-output.ts";

export interface SaidToken extends TextToken {
  /** Those of its bytes that are the text's. */
  bytes: Uint8Array;
}

export interface SaidText {
  text: string;
  /** Without those that bring nothing to the text. */
  tokens: SaidToken[];
}

export function saidText(
  tokenizer: Pick<PromptTokenizer, "bytesOf">,
  { tokens, logProbabilities }: Pick<Decoded, "tokens" | "logProbabilities">,
  forced: string | undefined,
): SaidText {
  const pieces = tokens.map((token) => tokenizer.bytesOf(token));
  const answer = Buffer.concat(pieces);
  const tag = forced === undefined ? answer.indexOf(textTag) : -1;
  const raw = answer.subarray(tag === -1 ? 0 : tag + textTag.length);
  const behindSpace = stripStart(raw.toString());
  const text = strip(behindSpace);
  // Space is UTF-8, whatever the text is.
  const first = answer.length - raw.length + Buffer.byteLength(raw.toString()) - Buffer.byteLength(behindSpace);
  const last = answer.length - Buffer.byteLength(behindSpace.slice(text.length));
  const said: SaidToken[] = [];
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let at = 0;
  let to = 0;
  for (const [index, piece] of pieces.entries()) {
    const bytes = piece.subarray(Math.max(0, first - at), Math.max(0, last - at));
    at += piece.length;
    if (bytes.length === 0) continue;
    const from = to;
    to += decoder.decode(bytes, { stream: true }).length;
    said.push({ token: tokens[index] ?? 0, logProbability: logProbabilities[index] ?? 0, bytes, from, to });
  }
  return { text, tokens: said };
}

export function tokenScores({ tokens }: SaidText): TokenScore[] {
  return tokens.map(({ bytes, logProbability }) => ({
    token: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
    logprob: logProbability,
    bytes: [...bytes],
  }));
}

/** The words with their confidences: the geometric mean of the probabilities of the tokens in which a word's letters lie. */
export function withConfidences(words: readonly Word[], { text, tokens }: SaidText): Word[] {
  const places = wordPlaces(
    text,
    words.map((word) => word.text),
  );
  let next = 0;
  return words.map((word, index) => {
    const { from = 0, to = 0 } = places?.[index] ?? {};
    while (next < tokens.length && endOf(tokens[next]) <= from) next++;
    let behind = next;
    while (behind < tokens.length && (tokens[behind]?.from ?? to) < to) behind++;
    const scores = tokens.slice(next, behind).map(({ logProbability }) => logProbability);
    return scores.length === 0 ? word : { ...word, confidence: confidenceOf(scores) };
  });
}

/** A token that completes no character is a part of the next one. */
function endOf(token: SaidToken | undefined): number {
  return token === undefined ? 0 : Math.max(token.to, token.from + 1);
}
