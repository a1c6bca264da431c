/** The median of every number and its neighbours, with reflected ends: openai-whisper's `median_filter`. */

/** `width` is odd. A row that is not longer than half the width is answered as it is. */
export function medianFilter(row: Float32Array, width: number): Float32Array {
  const half = width >> 1;
  if (row.length <= half) return row.slice();
  const last = row.length - 1;
  const window = new Float32Array(width);
  const medians = new Float32Array(row.length);
  // Put in order one by one: so few numbers are sorted sooner than the sort of an array begins.
  for (let centre = 0; centre < row.length; centre++) {
    for (let taken = 0; taken < width; taken++) {
      const place = Math.abs(centre + taken - half);
      const value = row[place > last ? 2 * last - place : place] ?? 0;
      let at = taken;
      for (; at > 0 && (window[at - 1] ?? 0) > value; at--) window[at] = window[at - 1] ?? 0;
      window[at] = value;
    }
    medians[centre] = window[half] ?? 0;
  }
  return medians;
}
