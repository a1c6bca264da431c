/** How many rows of a pass go into one run, where a run must end soon. */

/** The first of the rows, the longest of them first, as many as come to no more than this with their padding; one at least. */
export function rowsOfRun(lengths: readonly number[], mostRows: number, mostInAll: number): number {
  const [longest = 0] = lengths;
  return Math.max(1, Math.min(mostRows, lengths.length, Math.floor(mostInAll / longest)));
}
