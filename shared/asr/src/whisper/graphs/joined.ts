/** One behind the other; one alone is itself. */
export function joined(arrays: readonly Float32Array[]): Float32Array {
  const [first] = arrays;
  if (first === undefined || arrays.length === 1) return first ?? new Float32Array();
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
