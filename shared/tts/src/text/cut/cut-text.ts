/** Long text in pieces that a voice says in one breath or two, with the silence after each. */
import { isSayable } from "../spoken-problem.ts";
import { sentencesOf } from "./sentences.ts";

export interface TextPiece {
  /** Without blanks at its ends; line breaks inside are blanks. */
  text: string;
  /** Silence between this piece and the next, in milliseconds; 0 after the last. */
  pauseMs: number;
}

export interface CutTextOptions {
  /** UTF-16 units of the longest piece; default 300. A single character that is longer stays whole. */
  maxCharacters?: number | undefined;
}

const PARAGRAPH_MS = 700;
export const SENTENCE_MS = 350;
const CLAUSE_MS = 120;

/** A sentence with fewer characters than this is said together with the next one: alone it is hardly a breath. */
const SHORTEST = 8;

export const MAX_CHARACTERS = 300;

/**
 * Paragraphs, sentences, and where a sentence is longer than `maxCharacters` its clauses, words or at last characters. Every
 * character that is no blank is in exactly one piece, in order. Throws a RangeError for a `maxCharacters` that is no whole
 * number above 0.
 */
export function cutText(text: string, { maxCharacters = MAX_CHARACTERS }: CutTextOptions = {}): TextPiece[] {
  requireWhole(maxCharacters);
  const pieces = piecesOf(sentencesIn(text, maxCharacters), maxCharacters);
  const last = pieces.at(-1);
  if (last !== undefined) last.pauseMs = 0;
  return pieces;
}

export function requireWhole(maxCharacters: number): void {
  if (!Number.isInteger(maxCharacters) || maxCharacters < 1)
    throw new RangeError(`maxCharacters must be a whole number above 0, not ${maxCharacters}`);
}

export interface Sentence {
  text: string;
  endsParagraph: boolean;
}

/** @param carried characters of the text's first line that came before it. */
export function sentencesIn(text: string, maxCharacters: number, carried = 0): Sentence[] {
  return text.split(/\r?\n[^\S\n]*\r?\n\s*|\u2029/).flatMap((paragraph, index) => {
    const lines = linesOf(paragraph, index === 0 ? carried : 0);
    const sentences = joinShort(lines.flatMap(sentencesOf), maxCharacters);
    return sentences.map((sentence, at) => ({ text: sentence, endsParagraph: at === sentences.length - 1 }));
  });
}

export function piecesOf(sentences: readonly Sentence[], maxCharacters: number): TextPiece[] {
  const pieces: TextPiece[] = [];
  const add = (piece: TextPiece, joins: boolean) => {
    const before = pieces.at(-1);
    if (before === undefined || !joins || before.text.length + 1 + piece.text.length > maxCharacters) {
      pieces.push(piece);
      return;
    }
    before.text += ` ${piece.text}`;
    before.pauseMs = piece.pauseMs;
  };
  for (const { text, endsParagraph } of sentences) {
    const parts = fit(text, maxCharacters);
    for (const [index, part] of parts.entries()) {
      // A row of stars or an emoji is no piece of its own where it fits with its neighbour.
      const isMute = index === 0 ? !isSayable(text) : !isSayable(part);
      const joins = isMute || !isSayable(pieces.at(-1)?.text ?? "");
      add({ text: part, pauseMs: index < parts.length - 1 ? CLAUSE_MS : SENTENCE_MS }, joins);
    }
    const last = pieces.at(-1);
    if (endsParagraph && last !== undefined) last.pauseMs = PARAGRAPH_MS;
  }
  return pieces;
}

/** A line break is a blank, unless it ends a heading or an entry of a list. `carried`: what the first line had before. */
function linesOf(paragraph: string, carried: number): string[] {
  const lines: string[] = [];
  let longest = 0;
  let before = carried;
  for (const raw of paragraph.split(/[\n\r\u2028\u0085\v\f]+/)) {
    const line = raw.trim();
    if (line === "") continue;
    const previous = lines.at(-1);
    const entry = /^([-*•‣◦–]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s/i.test(line);
    const wrapped = previous !== undefined && longest >= 40 && !entry;
    if (wrapped) lines[lines.length - 1] = `${previous} ${line}`;
    else lines.push(line);
    // A break is the wrapping of a paragraph when the line before it was as long as lines are.
    longest = before + line.length;
    before = 0;
  }
  return lines;
}

function joinShort(sentences: readonly string[], maxCharacters: number): string[] {
  const joined: string[] = [];
  let open = "";
  for (const sentence of sentences) {
    const text = squeeze(sentence);
    if (text === "") continue;
    if (open === "") open = text;
    else if (open.length < SHORTEST && open.length + 1 + text.length <= maxCharacters) open += ` ${text}`;
    else {
      joined.push(open);
      open = text;
    }
  }
  if (open !== "") joined.push(open);
  return joined;
}

const squeeze = (text: string) => text.replace(/\s+/g, " ").trim();

/** From the best places to cut to the worst: each matches the last character before the cut. */
const cuts: readonly RegExp[] = [
  /[;:—–…](?=\s)|\s(?=[–—]\s)/g,
  /[,)\]”"](?=\s)/g,
  /\s(?=(?:and|but|or|nor|so|yet|because|which|who|that|while|when|where|if|although|though|since|until|unless|as|than|with)\s)/g,
  /\s/g,
  /[-–—/,;:.](?=\S)/g,
];

/** Cut in two at the best place near the middle, until all fits. */
function fit(text: string, maxCharacters: number): string[] {
  if (text.length <= maxCharacters) return [text];
  const at = bestCut(text);
  const parts = [text.slice(0, at).trim(), text.slice(at).trim()].filter((part) => part !== "");
  return parts.length < 2 ? parts : parts.flatMap((part) => fit(part, maxCharacters));
}

function bestCut(text: string): number {
  const middle = text.length / 2;
  const nearest = (places: Iterable<number>, reach: number): number | undefined => {
    let best: number | undefined;
    for (const place of places) {
      const distance = Math.abs(place - middle);
      if (distance <= reach && (best === undefined || distance < Math.abs(best - middle))) best = place;
    }
    return best;
  };
  for (const cut of cuts) {
    const places = Array.from(text.matchAll(cut), (match) => match.index + match[0].length);
    const found = nearest(
      places.filter((place) => place > 0 && place < text.length),
      text.length / 4,
    );
    if (found !== undefined) return found;
  }
  // No blank for half of it: between two characters as a reader sees them.
  const characters = new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text);
  const place = characters.containing(Math.ceil(middle))?.index ?? 0;
  if (place > 0) return place;
  const first = characters.containing(0)?.segment.length ?? text.length;
  return first;
}
