/**
 * How long a pass keeps waiting what is more urgent than it: from one yield point of its engine to the next. Predicted by how many rows it has
 * and how long the longest of them is, from what the engine told of passes before. A running estimate of one model on one device. Pure.
 *
 * Rows are counted in classes that double, and so are lengths; within a class of lengths a longer row takes longer in proportion. An
 * estimate follows what takes longer at once, and what takes less slowly: most passes take no longer than it says.
 */
export type YieldGaps = Readonly<Record<string, number>>;

/** What a gap is predicted by. */
export interface PassShape {
  rows: number;
  /** Of the longest row. */
  bytes: number;
}

export const noGaps: YieldGaps = {};

const UP = 0.5;
const DOWN = 0.1;
/** A gap is at most so much longer than with half the rows: twice, and some more where they lose the caches. */
const MOST_OF_HALF = 2.5;
/** A half whose gap is no shorter than this part of the whole's is not worth what it costs: the engine gives way between the rows. */
const NO_GAIN = 0.8;

/** @param ms the longest gap of a pass that has ended; 0: it had none worth telling */
export function learnGap(gaps: YieldGaps, shape: PassShape, ms: number): YieldGaps {
  if (ms <= 0) return gaps;
  const name = classOf(shape);
  const measured = ms / lengthOf(shape);
  const known = gaps[name];
  const share = known === undefined ? 1 : measured > known ? UP : DOWN;
  return { ...gaps, [name]: (known ?? 0) + share * (measured - (known ?? 0)) };
}

/** Milliseconds; undefined when no such pass has run. One that took long for once, as the first may, is judged by its half. */
export function predictGap(gaps: YieldGaps, { rows, bytes }: PassShape): number | undefined {
  const known = gaps[classOf({ rows, bytes })];
  if (known === undefined) return undefined;
  const half = rows > 1 ? gaps[classOf({ rows: rows / 2, bytes })] : undefined;
  return Math.min(known, half === undefined ? known : MOST_OF_HALF * half) * lengthOf({ bytes });
}

/**
 * Most rows of a pass whose longest has so many bytes, for a gap of at most `ms`; one at least. Halves are tried as long as they are
 * not known, and left again when their gaps are as long.
 */
export function rowsWithin(gaps: YieldGaps, { rows: most, bytes }: PassShape, ms: number): number {
  let rows = most;
  for (let gap = predictGap(gaps, { rows, bytes }); rows > 1 && gap !== undefined && gap > ms; ) {
    const half = Math.ceil(rows / 2);
    const shorter = predictGap(gaps, { rows: half, bytes });
    if (shorter !== undefined && shorter > NO_GAIN * gap) break;
    rows = half;
    gap = shorter;
  }
  return rows;
}

function classOf(shape: PassShape): string {
  return `${Math.ceil(Math.log2(Math.max(1, shape.rows)))} ${Math.ceil(Math.log2(lengthOf(shape)))}`;
}

function lengthOf({ bytes }: Pick<PassShape, "bytes">): number {
  return Math.max(1, bytes);
}
