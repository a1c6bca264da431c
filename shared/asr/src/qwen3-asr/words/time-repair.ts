/**
 * Makes a sequence of times run forward: the official `fix_timestamp`. The longest non-decreasing subsequence stays; one or
 * two strays between its members take the nearer one's value, longer stretches are spread evenly between them.
 */

export function repairTimes(times: readonly number[]): number[] {
  const stays = longestRising(times);
  const repaired = [...times];
  for (let from = 0; from < times.length; ) {
    if (stays[from] === true) {
      from++;
      continue;
    }
    let to = from;
    while (to < times.length && stays[to] !== true) to++;
    // Everything before `from` is repaired, and what stays is never changed.
    const left = repaired[from - 1];
    const right = times[to];
    for (let index = from; index < to; index++) {
      repaired[index] = strayValue(left, right, index - from + 1, to - from);
    }
    from = to;
  }
  return repaired.map(Math.trunc);
}

/** Value of the `nth` (from 1) of `count` strays; where one side is missing, the other's. */
function strayValue(left: number | undefined, right: number | undefined, nth: number, count: number): number {
  if (left === undefined || right === undefined) return left ?? right ?? 0;
  if (count <= 2) return nth <= count + 1 - nth ? left : right;
  return left + ((right - left) / (count + 1)) * nth;
}

/** Marks the members of the longest non-decreasing subsequence; of equals the first end and the earliest predecessors. */
function longestRising(times: readonly number[]): boolean[] {
  const lengths = new Int32Array(times.length).fill(1);
  const previous = new Int32Array(times.length).fill(-1);
  let best = -1;
  for (const [index, time] of times.entries()) {
    for (let before = 0; before < index; before++) {
      const length = (lengths[before] ?? 0) + 1;
      if ((times[before] ?? 0) <= time && length > (lengths[index] ?? 0)) {
        lengths[index] = length;
        previous[index] = before;
      }
    }
    if (best === -1 || (lengths[index] ?? 0) > (lengths[best] ?? 0)) best = index;
  }
  const marks = new Array<boolean>(times.length).fill(false);
  for (let index = best; index !== -1; index = previous[index] ?? -1) marks[index] = true;
  return marks;
}
