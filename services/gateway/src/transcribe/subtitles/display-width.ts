/** How wide a text is shown, in parts of a line: 42 letters fill a line, and so do 16 full-width characters. */

/** Divides by 42 and by 16. */
export const LINE = 336;
export const LETTER = LINE / 42;
const FULL_WIDTH = LINE / 16;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
/** Latin with its accents, and general punctuation: one letter's width each. */
const narrow = /^[\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027]*$/;
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\ufe0f/u;
const invisible = /^[\p{M}\p{Cf}\p{Cc}]*$/u;

export function displayWidth(text: string): number {
  if (narrow.test(text)) return text.length * LETTER;
  return Array.from(graphemes.segment(text), ({ segment }) => graphemeWidth(segment)).reduce((a, b) => a + b, 0);
}

/** What is seen as one character stays whole. Each piece is as wide as `most` allows, and not empty. */
export function cutAtWidth(text: string, most: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    const more = graphemeWidth(segment);
    if (piece !== "" && width + more > most) {
      pieces.push(piece);
      [piece, width] = ["", 0];
    }
    piece += segment;
    width += more;
  }
  return piece === "" ? pieces : [...pieces, piece];
}

function graphemeWidth(grapheme: string): number {
  if (wide.test(grapheme)) return FULL_WIDTH;
  return invisible.test(grapheme) ? 0 : LETTER;
}
