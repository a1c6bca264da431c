/**
 * A model that has lost its way says the same over and over, or holds a sound or silence for ever. So a row's first codes, which carry
 * what is said, are compared with those of some frames ago, at every distance at once. A distance collects a point for a code that is
 * the same and loses several for another; with enough points the row repeats itself. Speech that varies, drawn by chance as it is, gains
 * next to nothing. Pure.
 */

/** Frames of the longest unit that is looked for: 20 s. */
const LONGEST_UNIT = 250;
/** Points lost for a code that differs: four of five codes must be the same. */
const PENALTY = 4;
/** Points of any repetition: nobody holds a sound, or pauses, for five seconds. */
const LEAST = 62;
/** How often a unit stands behind itself. */
const TIMES = 2;

export interface RepetitionWatch {
  /** Takes a frame's first code. Answers the frame at which the row began to repeat itself, once it has. */
  add(code: number): number | undefined;
}

/** `allowed`: frames for which the text itself repeats something. */
export function createRepetitionWatch(allowed = 0): RepetitionWatch {
  const codes: number[] = [];
  const points = new Int32Array(LONGEST_UNIT + 1);
  const begins = new Int32Array(LONGEST_UNIT + 1);
  return {
    add(code) {
      const frame = codes.push(code) - 1;
      let begin: number | undefined;
      for (let unit = 1; unit <= LONGEST_UNIT && unit <= frame; unit++) {
        const before = points[unit] ?? 0;
        if (codes[frame - unit] !== code) {
          points[unit] = Math.max(0, before - PENALTY);
          continue;
        }
        if (before === 0) begins[unit] = frame;
        points[unit] = before + 1;
        if (before + 1 < Math.max(LEAST, TIMES * unit) + allowed) continue;
        begin = Math.min(begin ?? frame, begins[unit] ?? frame);
      }
      return begin;
    },
  };
}
