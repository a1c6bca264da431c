/** Vectors of one length, summed up. */

/** Onto `sum`. */
export function add(values: Float32Array, sum: Float32Array): void {
  for (let index = 0; index < sum.length; index++) sum[index] = (sum[index] ?? 0) + (values[index] ?? 0);
}

export function sumOf(one: Float32Array, other: Float32Array): Float32Array {
  const sum = one.slice();
  add(other, sum);
  return sum;
}
