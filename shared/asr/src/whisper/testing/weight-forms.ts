/** The forms that a tensor's numbers may have in a file of weights. */
import { toHalves } from "@parlance/inference";

export type WeightForm = keyof typeof weightForms;

/** Of a tensor of `rows` rows. */
export const weightForms = {
  half: (values: Float32Array) => toHalves(values),
  int8: quantised,
  scale: (values: Float32Array, rows: number) => rowScales(values, rows),
  int4: (values: Float32Array) => inFourBits(values),
  blockScale: (values: Float32Array) => blockScales(values),
};

export function turned<Values extends Float32Array | Uint16Array | Int8Array | Uint8Array>(
  values: Values,
  height: number,
  width: number,
) {
  const made = values.slice();
  for (let index = 0; index < made.length; index++) {
    made[index] = values[(index % height) * width + Math.floor(index / height)] ?? 0;
  }
  return made;
}

/** What one step of each row's eight bits is worth: its largest value is 127 of them. */
function rowScales(values: Float32Array, rows: number): Float32Array {
  const width = values.length / rows;
  return Float32Array.from({ length: rows }, (_, row) => {
    let largest = 0;
    for (const value of values.subarray(row * width, (row + 1) * width)) largest = Math.max(largest, Math.abs(value));
    return Math.max(Math.fround(largest / 127), Math.fround(1e-12));
  });
}

function quantised(values: Float32Array, rows: number): Int8Array {
  const scales = rowScales(values, rows);
  const width = values.length / rows;
  return Int8Array.from(values, (value, index) =>
    roundToEven(Math.fround(value / (scales[Math.floor(index / width)] ?? 1))),
  );
}

const BLOCK = 32;

/** The largest value of a block is eight of its steps, downwards. */
function blockScales(values: Float32Array): Float32Array {
  return Float32Array.from({ length: values.length / BLOCK }, (_, block) => {
    let extreme = 0;
    for (const value of values.subarray(block * BLOCK, (block + 1) * BLOCK)) {
      if (Math.abs(value) > Math.abs(extreme)) extreme = value;
    }
    return extreme === 0 ? 1 : extreme / -8;
  });
}

/** Two to a byte, the first in its low half. */
function inFourBits(values: Float32Array): Uint8Array {
  const scales = blockScales(values);
  const steps = Uint8Array.from(values, (value, index) => {
    const step = roundToEven(Math.fround(value / (scales[Math.floor(index / BLOCK)] ?? 1)));
    return Math.min(7, Math.max(-8, step)) + 8;
  });
  return Uint8Array.from(
    { length: steps.length / 2 },
    (_, pair) => (steps[2 * pair] ?? 0) | ((steps[2 * pair + 1] ?? 0) << 4),
  );
}

/** As NumPy rounds. */
function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
