/**
 * An item that another delivery of its message has begun to publish goes on as it was begun: what is published stays, and the
 * audio or text behind it is cut from there. So the pieces fit whatever the settings, or the program, have become. Pure.
 */
import type { SegmentLimits } from "@parlance/audio";
import { cutText, type TextPiece } from "@parlance/tts/text";

export interface BegunCut {
  /** Near which lengths the item is cut; undefined where that was not said. */
  limits: SegmentLimits | undefined;
  /** Where segments 1, 2 … begin, in samples; the last one is the first segment that is not published. */
  boundaries: readonly number[];
}

/**
 * The boundaries of `count` segments that end at `end`. Where it matters, beside segments that are missing among them, their starts are
 * known; between those the audio is shared out evenly: none is longer than it could have been.
 */
export function boundariesOf(starts: ReadonlyMap<number, number>, count: number, end: number): number[] {
  const boundaries: number[] = [];
  let [from, fromStart] = [0, 0];
  for (let n = 1; n <= count; n += 1) {
    const to = n === count ? end : starts.get(n);
    if (to === undefined) continue;
    for (let between = from + 1; between <= n; between += 1) {
      boundaries.push(fromStart + Math.round(((to - fromStart) * (between - from)) / (n - from)));
    }
    [from, fromStart] = [n, to];
  }
  return boundaries;
}

/** The whole text in pieces, of which the first ones are published: what they do not say is cut anew. */
export function piecesAfter(published: readonly TextPiece[], text: string): TextPiece[] {
  const own = cutText(text);
  if (published.every((piece, n) => piece.text === own[n]?.text)) return own;
  let said = published.reduce((sum, piece) => sum + piece.text.replaceAll(blanks, "").length, 0);
  let from = 0;
  for (; said > 0 && from < text.length; from += 1) if (!isBlank(text[from])) said -= 1;
  return [...published, ...cutText(text.slice(from))];
}

/** What the cutter may drop or add. */
const blanks = /[\s\u0085]/g;
const isBlank = (character = "") => character.search(blanks) === 0;
