/** IEEE 754 binary16 as bits in a Uint16Array: the runtime cannot take Node's Float16Array. */

/** Both ways of one number's bits. */
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** All 65,536 halves: looked up, a tensor is read at the speed of a copy. Made when the first one is read. */
let table: Float32Array | undefined;

/** One half as a number. */
export function halfToNumber(half: number): number {
  const sign = half >> 15 === 0 ? 1 : -1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export function fromHalves(halves: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 65_536 }, (_, half) => halfToNumber(half));
  const values = new Float32Array(halves.length);
  for (let index = 0; index < halves.length; index++) values[index] = table[halves[index] ?? 0] ?? 0;
  return values;
}

/** Rounds to the nearest half, ties to even; what is larger than any half becomes infinite. */
export function toHalves(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  for (let index = 0; index < values.length; index++) {
    float[0] = values[index] ?? 0;
    halves[index] = roundToHalf(bits[0] ?? 0);
  }
  return halves;
}

/** @param single the bits of a float32 */
function roundToHalf(single: number): number {
  const sign = (single >>> 16) & 0x8000;
  const size = single & 0x7fff_ffff;
  if (size > 0x7f80_0000) return sign | 0x7e00;
  // 65,520 is half way from the largest half to the next power of two.
  if (size >= 0x477f_f000) return sign | 0x7c00;
  if (size >= 0x3880_0000) return sign | ((size - 0x3800_0000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  // Below the smallest normal half: steps of 2^-24.
  const steps = magnitude(size) * 2 ** 24;
  const down = Math.floor(steps);
  const rest = steps - down;
  return sign | (down + (rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? 1 : 0));
}

function magnitude(size: number): number {
  bits[0] = size;
  return float[0] ?? 0;
}
