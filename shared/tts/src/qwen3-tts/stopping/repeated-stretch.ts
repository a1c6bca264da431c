/** The longest stretch of a text that says the same over and over: "ha ha ha ha", "no, no, no". Pure. */

/** Letters of the longest unit that is looked for. */
const LONGEST_UNIT = 60;
/** Times in a row from which on a unit is repeated. */
const TIMES = 3;

/** Its letters and figures, in lower case; empty where nothing is said three times in a row. */
export function repeatedStretch(text: string): string {
  const points = Array.from(text.toLowerCase()).filter((point) => /[\p{L}\p{N}]/u.test(point));
  let longest: readonly string[] = [];
  for (let unit = 1; unit <= LONGEST_UNIT && unit * TIMES <= points.length; unit++) {
    let same = 0;
    for (let at = unit; at <= points.length; at++) {
      if (at < points.length && points[at] === points[at - unit]) {
        same++;
        continue;
      }
      const length = same + unit;
      if (length >= TIMES * unit && length > longest.length) longest = points.slice(at - length, at);
      same = 0;
    }
  }
  return longest.join("");
}
