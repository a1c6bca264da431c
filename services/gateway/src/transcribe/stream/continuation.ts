/**
 * How a text goes on that turns out otherwise than what was sent of it: a segment that ran again after a crash may say something
 * else, a sampled one will. What was sent stands, so the reader gets to see where it was corrected; nothing of the new text is
 * lost, and no more than the word at which both part is there twice. Pure.
 */

const words = new Intl.Segmenter(undefined, { granularity: "word" });
const unspaced =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{P}]/u;

/** What is to be sent after `sent`, so that its reader has read `meant`. Spaces at their beginnings make no difference. */
export function continuation(sent: string, meant: string): string {
  if (meant.startsWith(sent)) return meant.slice(sent.length);
  const told = sent.trimStart();
  const text = meant.trimStart();
  if (text.startsWith(told)) return text.slice(told.length);
  if (told.startsWith(text)) return "";
  const start = wordAt(text, commonLength(told, text));
  const rest = text.slice(start);
  const apart = start === 0 ? !unspaced.test(rest) : /\s$/.test(text.slice(0, start));
  return apart ? ` ${rest}` : rest;
}

/** Where the word begins that holds the character at `index`. */
function wordAt(text: string, index: number): number {
  return words.segment(text).containing(index)?.index ?? index;
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1;
  return length;
}
