/** The median of every number and its neighbours, with reflected ends: openai-whisper's `median_filter`. */

/** `width` is odd. A row that is not longer than half the width is answered as it is. */
export function medianFilter(row: Float32Array, width: number): Float32Array {
  const half = width >> 1;
  if (row.length <= half) return row.slice();
  const last = row.length - 1;
  const window = new Float32Array(width);
  return row.map((_, centre) => {
    for (let offset = -half; offset <= half; offset++) {
      const place = Math.abs(centre + offset);
      window[offset + half] = row[place > last ? 2 * last - place : place] ?? 0;
    }
    return window.sort()[half] ?? 0;
  });
}
