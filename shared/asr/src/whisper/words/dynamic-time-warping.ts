/**
 * The cheapest way through a matrix of costs from its first corner to its last, by steps right, down or both; cells on
 * the way are answered as rows and columns. As openai-whisper's `dtw_cpu`: costs are summed in single precision, and
 * among equals a step right comes first.
 */

export interface Path {
  rows: Int32Array;
  columns: Int32Array;
}

/** `costs` is [rows, columns]. */
export function dynamicTimeWarping(costs: Float64Array, rows: number, columns: number): Path {
  const width = columns + 1;
  const total = new Float32Array((rows + 1) * width).fill(Number.POSITIVE_INFINITY);
  /** 0: both, 1: down, 2: right. */
  const cameBy = new Uint8Array((rows + 1) * width);
  total[0] = 0;
  for (let row = 1; row <= rows; row++) {
    for (let column = 1; column <= columns; column++) {
      const cell = row * width + column;
      const both = total[cell - width - 1] ?? 0;
      const down = total[cell - width] ?? 0;
      const right = total[cell - 1] ?? 0;
      let [cheapest, step] = [right, 2];
      if (both < down && both < right) [cheapest, step] = [both, 0];
      else if (down < both && down < right) [cheapest, step] = [down, 1];
      total[cell] = (costs[(row - 1) * columns + column - 1] ?? 0) + cheapest;
      cameBy[cell] = step;
    }
  }
  const path: [number, number][] = [];
  for (let row = rows, column = columns; row > 0 || column > 0; ) {
    path.push([row - 1, column - 1]);
    const step = row === 0 ? 2 : column === 0 ? 1 : cameBy[row * width + column];
    if (step !== 2) row--;
    if (step !== 1) column--;
  }
  path.reverse();
  return { rows: Int32Array.from(path, ([row]) => row), columns: Int32Array.from(path, ([, column]) => column) };
}
