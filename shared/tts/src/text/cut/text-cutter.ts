/**
 * `cutText` for a text that comes piece by piece, broken anywhere. A sentence is given when nothing that may follow can change it: where
 * the next one has begun with a word that is whole. However the text is broken, the pieces are those that `cutText` makes of all of it,
 * but for a sentence that has no end for `MOST_OPEN` characters: of that the beginning is given, cut as a long sentence is.
 *
 * State: what is not given yet, and how much of its line was given before it.
 */
import { isSayable } from "../spoken-problem.ts";
import {
  type CutTextOptions,
  MAX_CHARACTERS,
  piecesOf,
  requireWhole,
  SENTENCE_MS,
  type Sentence,
  sentencesIn,
  type TextPiece,
} from "./cut-text.ts";

export interface TextCutter {
  /** What is complete with this. The silence behind each piece is that before what follows. */
  add(text: string): TextPiece[];
  /** All the rest, as if the text ended here; what is added after it is another text, as after a sentence. */
  flush(): TextPiece[];
  /** Forgets the rest. */
  clear(): void;
  /** UTF-16 units that are not given yet. */
  readonly open: number;
}

/** UTF-16 units, where pieces are of the usual length; three pieces where they are longer. */
const MOST_OPEN = 1_000;

export function createTextCutter({ maxCharacters = MAX_CHARACTERS }: CutTextOptions = {}): TextCutter {
  requireWhole(maxCharacters);
  const mostOpen = Math.max(MOST_OPEN, 3 * maxCharacters);
  let open = "";
  /** Characters of its first line that were given. */
  let carried = 0;
  /** The first half of a pair, whose second half comes. */
  let half = "";

  /** Takes as much of the open text as these characters are, and the blanks behind them. */
  function give(pieces: TextPiece[]): TextPiece[] {
    let left = pieces.reduce((sum, { text }) => sum + text.replaceAll(blanks, "").length, 0);
    let at = 0;
    for (; at < open.length && (left > 0 || isBlank(open[at])); at += 1) if (!isBlank(open[at])) left -= 1;
    const given = open.slice(0, at);
    const lineBegins = given.search(/[^\n\r\u2028\u2029\u0085\v\f]*$/);
    const line = given.slice(lineBegins);
    // Blanks before a line are not of it.
    carried = lineBegins === 0 && carried > 0 ? carried + line.length : line.trimStart().length;
    open = open.slice(at);
    return pieces;
  }

  function giveSettled(): TextPiece[] {
    const sentences = sentencesIn(open, maxCharacters, carried);
    const settled = sentences.slice(0, Math.max(0, lastBegun(sentences)));
    let pieces = piecesOf(settled, maxCharacters);
    // What cannot be said by itself may go with what follows.
    while (pieces.length > 0 && !isSayable(pieces.at(-1)?.text ?? "")) {
      settled.pop();
      pieces = piecesOf(settled, maxCharacters);
    }
    return give(pieces);
  }

  /** The last sentence whose beginning is certain: it has a word with a letter, and that is whole. */
  function lastBegun(sentences: readonly Sentence[]): number {
    return sentences.findLastIndex(({ text }, index) => {
      const word = /\p{L}[\p{L}\p{N}]*/u.exec(text);
      if (word === null) return false;
      const isWhole = word.index + word[0].length < text.length || index < sentences.length - 1;
      return isWhole || /[^\p{L}\p{N}]$/u.test(open);
    });
  }

  function giveBeginning(): TextPiece[] {
    const pieces = piecesOf(sentencesIn(open, maxCharacters, carried), maxCharacters);
    return give(pieces.length > 1 ? pieces.slice(0, -1) : pieces);
  }

  function clear(): void {
    open = "";
    half = "";
    carried = 0;
  }

  return {
    get open() {
      return open.length + half.length;
    },
    add(text) {
      let rest = half + text;
      half = isFirstHalf(rest.at(-1)) ? rest.slice(-1) : "";
      rest = rest.slice(0, rest.length - half.length);
      const pieces: TextPiece[] = [];
      while (rest !== "") {
        const most = mostOpen - open.length;
        const taken = isFirstHalf(rest[most - 1]) ? most + 1 : most;
        open += rest.slice(0, taken);
        rest = rest.slice(taken);
        pieces.push(...giveSettled());
        if (open.length >= mostOpen) pieces.push(...giveBeginning());
      }
      return pieces;
    },
    flush() {
      const pieces = piecesOf(sentencesIn(open + half, maxCharacters, carried), maxCharacters);
      clear();
      return pieces.map((piece, at) => (at === pieces.length - 1 ? { ...piece, pauseMs: SENTENCE_MS } : piece));
    },
    clear,
  };
}

/** What the cutter may drop or add. */
const blanks = /[\s\u0085]/g;
const isBlank = (character = "") => character.search(blanks) === 0;
const isFirstHalf = (unit = "") => /^[\ud800-\udbff]$/.test(unit);
