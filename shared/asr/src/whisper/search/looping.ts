/** Whether a text that grows may be at the beginning of a loop. Pure. */

/** Periods that are looked for, in code points: sentences repeat too. */
const LONGEST_PERIOD = 200;
/** Of a longer period this much is enough: nobody says so much twice in a row. */
const ENOUGH = 16;

/** Whether the text ends in what it says over again: a unit for the third time, or 16 code points of a longer one for the second. */
export function endsInRepetition(text: string): boolean {
  const points = Array.from(text.slice(-4 * LONGEST_PERIOD));
  for (let period = 1; period <= LONGEST_PERIOD && period < points.length; period++) {
    const enough = Math.min(2 * period, ENOUGH);
    let same = 0;
    for (let at = points.length - 1; same < enough && at >= period && points[at] === points[at - period]; at--) same++;
    if (same === enough) return true;
  }
  return false;
}
