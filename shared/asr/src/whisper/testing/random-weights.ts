/**
 * The weights of the small random models, made again from the rules that the fixtures hold: the same float32 numbers as
 * models/recipes/whisper/random_weights.py makes, bit for bit.
 */

export interface WeightRule {
  shape: readonly number[];
  seed: number;
  scale: number;
  offset: number;
  set: readonly {
    rows: readonly [number, number, number];
    columns: readonly [number, number];
    a: number;
    b: number;
    c: number;
  }[];
}

/** A number in [0, 1) for every place: murmur3's finaliser. */
export function hashed(seed: number, index: number): number {
  let x = (index + Math.imul(seed, 0x9e3779b1)) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  x ^= x >>> 16;
  return (x >>> 0) / 2 ** 32;
}

export function randomTensor({ shape, seed, scale, offset, set }: WeightRule): Float32Array {
  const size = shape.reduce((product, side) => product * side, 1);
  const values = new Float32Array(size);
  for (let index = 0; index < size; index++) values[index] = offset + scale * (2 * hashed(seed, index) - 1);
  const width = size / (shape[0] ?? 1);
  for (const { rows, columns, a, b, c } of set) {
    for (let row = rows[0]; row < rows[1]; row += rows[2]) {
      const r = row - rows[0];
      values.fill(a + b * r + c * r * r, row * width + columns[0], row * width + columns[1]);
    }
  }
  return values;
}
