/**
 * What of a text that grows stands at the beginning of the text in the end, whatever is still said, although repetitions are
 * repaired in it (repetition.ts): a repair may cut away what was there long before it was a repetition. Pure.
 *
 * A repair leaves the first of equal units, of 20 characters at most. So what may be cut away later is what ends the text so
 * far and repeats what stands a unit before it. Were it cut there, the text would go on behind it otherwise than now, and the
 * same holds for it: hence every end from the text's own down to the last one that is safe is asked. That holds back a few
 * characters of an ordinary text, and of a loop all but the first unit, until it is over.
 */
import { firstCut, longestUnit } from "./repetition.ts";

/**
 * The certain text, without the last word, which may go on: it ends at a space, behind a character of a script without spaces, or
 * with a sentence. What is certain of a longer text begins with it, but for the end of a sentence that was none ("e.g.").
 * `before`: what stands before the text and is repaired with it.
 */
export function certainText(text: string, before = ""): string {
  const points = Array.from(text);
  const all = Array.from(before + text);
  for (let end = certainLength(all) - (all.length - points.length); end > 0; end--) {
    if (endsWord(points, end)) return points.slice(0, end).join("");
  }
  return "";
}

/** Some text that goes on: of a shorter one, 20 equal characters may stay for now. */
const goingOn = Array.from({ length: 2 * longestUnit }, (_, index) => String.fromCodePoint(0xe000 + index));

/** How many code points of a text so far no repair will touch. */
export function certainLength(points: readonly string[]): number {
  const repeated = longestRepeats(points);
  let certain = firstCut([...points, ...goingOn]) ?? points.length;
  for (let end = points.length; end >= certain && end > 0; end--) {
    certain = Math.min(certain, end - (repeated[end] ?? 0));
  }
  return certain;
}

/** For each end, how many of the characters before it repeat, one by one, those that stand one unit before them. */
function longestRepeats(points: readonly string[]): Uint32Array {
  const longest = new Uint32Array(points.length + 1);
  for (let unit = 1; unit <= longestUnit; unit++) {
    let length = 0;
    for (let end = unit + 1; end <= points.length; end++) {
      length = points[end - 1] === points[end - 1 - unit] ? length + 1 : 0;
      if (length > (longest[end] ?? 0)) longest[end] = length;
    }
  }
  return longest;
}

const space = /\s/u;
const mark = /\p{M}/u;
const spaceless =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\u3000-\u303f\uff00-\uff65]/u;
const sentenceEnd = /[.!?…。！？]/u;

function endsWord(points: readonly string[], end: number): boolean {
  const [before = "", last = "", next] = [points[end - 2], points[end - 1], points[end]];
  if (space.test(last)) return false;
  if (next === undefined) return sentenceEnd.test(last) && !/\d/.test(before);
  if (space.test(next)) return true;
  return !mark.test(next) && (spaceless.test(last) || spaceless.test(next));
}
