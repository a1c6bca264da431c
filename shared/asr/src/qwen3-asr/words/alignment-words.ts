/**
 * The words that the forced aligner gives times to: the official splitting. Only letters, numbers and the apostrophe are
 * kept; in languages with spaces each Chinese character is a word of its own.
 *
 * Japanese and Korean are inexact: the official code uses two Python word splitters (nagisa, soynlp), here it is the word
 * segmenter of ICU. Words may be cut at other places, and so get other times.
 */
import { splitOnSpace } from "../prompt/python-text.ts";

const notKept = /[^\p{L}\p{N}']+/gu;
/** One Chinese character, or a stretch without one. */
const pieces =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2ceaf}]|[^\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2ceaf}]+/gu;
const segmenters = new Map([
  ["Japanese", new Intl.Segmenter("ja", { granularity: "word" })],
  ["Korean", new Intl.Segmenter("ko", { granularity: "word" })],
]);

/** `language` is an English name. */
export function alignmentWords(text: string, language: string): string[] {
  const segmenter = segmenters.get(language);
  if (segmenter !== undefined) {
    return Array.from(segmenter.segment(text), ({ segment }) => kept(segment)).filter((word) => word !== "");
  }
  return splitOnSpace(text).flatMap((part) => kept(part).match(pieces) ?? []);
}

function kept(text: string): string {
  return text.replace(notKept, "");
}
