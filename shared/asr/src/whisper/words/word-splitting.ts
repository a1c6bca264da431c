/**
 * Tokens cut into words, as openai-whisper's tokenizer does it: a word begins with a space, is punctuation, or is a control
 * token; in languages without spaces a word ends wherever a character does.
 */
import { codesWithoutSpaces } from "../text/languages.ts";
import type { Vocabulary } from "../text/vocabulary.ts";

export interface TokenWord {
  /** With its leading space. */
  text: string;
  tokens: number[];
}

const replacement = "\ufffd";
const asciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
/** What Python calls white space: not the byte order mark, but four separators and the next line. */
function isSpace(letter: string | undefined): boolean {
  if (letter === undefined || letter === "\ufeff") return false;
  const code = letter.charCodeAt(0);
  return /\s/.test(letter) || (code >= 0x1c && code <= 0x1f) || code === 0x85;
}

/** Python's `str.strip`. */
export function strip(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && isSpace(text[from])) from++;
  while (to > from && isSpace(text[to - 1])) to--;
  return text.slice(from, to);
}

export function splitWords(
  tokens: readonly number[],
  code: string,
  vocabulary: Pick<Vocabulary, "decodeAll" | "control">,
): TokenWord[] {
  const characters = splitCharacters(tokens, vocabulary);
  return codesWithoutSpaces.has(code) ? characters : joinAtSpaces(characters, vocabulary.control.endOfText);
}

/** Cuts wherever the bytes so far are whole characters, or are none in the whole text either. */
function splitCharacters(tokens: readonly number[], { decodeAll }: Pick<Vocabulary, "decodeAll">): TokenWord[] {
  const whole = Array.from(decodeAll(tokens));
  const words: TokenWord[] = [];
  let current: number[] = [];
  let offset = 0;
  for (const token of tokens) {
    current.push(token);
    const text = Array.from(decodeAll(current));
    const broken = text.indexOf(replacement);
    if (broken !== -1 && whole[offset + broken] !== replacement) continue;
    words.push({ text: text.join(""), tokens: current });
    current = [];
    offset += text.length;
  }
  return words;
}

function joinAtSpaces(parts: readonly TokenWord[], endOfText: number): TokenWord[] {
  const words: TokenWord[] = [];
  for (const { text, tokens } of parts) {
    const last = words.at(-1);
    const control = (tokens[0] ?? 0) >= endOfText;
    // "" is in every text: white space alone counts as punctuation, in the official code too.
    if (last === undefined || control || text.startsWith(" ") || asciiPunctuation.includes(strip(text))) {
      words.push({ text, tokens: [...tokens] });
    } else {
      last.text += text;
      last.tokens.push(...tokens);
    }
  }
  return words;
}
