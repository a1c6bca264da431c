/**
 * The decoder's memory of a row in Parlance's own layout: keys and values of the prompt and of every token that any beam
 * has said, in the order in which they were said. A beam is the list of the places it came by, so nothing moves when beams
 * part: a mask tells each beam its own past.
 *
 * `[rows, heads, places, size]`, one pair of arrays a layer, all rows in step. Places are made in blocks; a larger block
 * means copying everything once.
 */
import { freeArrays } from "@parlance/inference";

const BLOCK = 64;

export interface TokenTree {
  /** Places that the arrays have now. */
  readonly places: number;
  /** Places in use. */
  readonly used: number;
  keys(layer: number, rows: number): Float32Array;
  values(layer: number, rows: number): Float32Array;
  /** Takes new keys and values `[rows, heads, nodes, size]` of every layer; answers the place of the first node. */
  append(rows: number, nodes: number, keys: readonly Float32Array[], values: readonly Float32Array[]): number;
  /** Exchanges two rows. */
  swap(a: number, b: number): void;
}

export interface TreeShape {
  rows: number;
  layers: number;
  heads: number;
  size: number;
}

export function createTokenTree({ rows, layers, heads, size }: TreeShape): TokenTree {
  let places = 0;
  let used = 0;
  let keys: Float32Array[] = Array.from({ length: layers }, () => new Float32Array());
  let values: Float32Array[] = keys.map(() => new Float32Array());

  function grow(active: number, needed: number): void {
    const more = Math.ceil(Math.max(needed, places * 1.25) / BLOCK) * BLOCK;
    const larger = (old: Float32Array) => {
      const fresh = new Float32Array(rows * heads * more * size);
      for (let strip = 0; strip < active * heads; strip++) {
        fresh.set(old.subarray(strip * places * size, (strip * places + used) * size), strip * more * size);
      }
      freeArrays([old]);
      return fresh;
    };
    keys = keys.map(larger);
    values = values.map(larger);
    places = more;
  }

  return {
    get places() {
      return places;
    },
    get used() {
      return used;
    },
    keys: (layer, active) => (keys[layer] ?? new Float32Array()).subarray(0, active * heads * places * size),
    values: (layer, active) => (values[layer] ?? new Float32Array()).subarray(0, active * heads * places * size),
    append(active, nodes, newKeys, newValues) {
      if (used + nodes > places) grow(active, used + nodes);
      const length = nodes * size;
      for (const [layer, [from, to]] of [
        ...newKeys.map((from, layer) => [layer, [from, keys[layer]]] as const),
        ...newValues.map((from, layer) => [layer, [from, values[layer]]] as const),
      ]) {
        if (to === undefined) throw new RangeError(`no layer ${layer}`);
        for (let strip = 0; strip < active * heads; strip++) {
          to.set(from.subarray(strip * length, (strip + 1) * length), (strip * places + used) * size);
        }
      }
      used += nodes;
      return used - nodes;
    },
    swap(a, b) {
      for (const array of [...keys, ...values]) swapRows(array, heads * places * size, a, b);
    },
  };
}

/** Exchanges two stretches of `length` numbers. */
export function swapRows(array: Float32Array, length: number, a: number, b: number): void {
  if (a === b) return;
  const kept = array.slice(a * length, (a + 1) * length);
  array.copyWithin(a * length, b * length, (b + 1) * length);
  array.set(kept, b * length);
}
