/**
 * The decoder's memory in Parlance's own layout: each row's keys and values of its prompt and of every token that any of its beams
 * has said, in the order in which they were said. A beam is the list of the places it came by, so nothing moves when beams
 * part: a mask tells each beam its own past. Rows need not be equally long.
 *
 * `[rows, heads, places, size]`, one pair of arrays a layer. Places are made in blocks; a larger block means copying everything
 * once, and so does a smaller one where the rows that were long have left. Of five beams most tokens are soon no live beam's past:
 * a row that fills its block forgets those first, so that what every run reads stays near the length of a text.
 */
import { freeArrays } from "@parlance/inference";

const BLOCK = 64;
/** A tree that is more than so many times too large is made smaller: every run reads all of it. */
const SLACK = 3;

export interface TokenTree {
  /** Places that each row has now. */
  readonly places: number;
  /** Places of a row that are in use. */
  used(row: number): number;
  keys(layer: number, from: number, rows: number): Float32Array;
  values(layer: number, from: number, rows: number): Float32Array;
  /** Takes new keys and values `[rows, heads, nodes, size]` of every layer, each row's behind what it has. */
  append(
    from: number,
    rows: number,
    nodes: number,
    keys: readonly Float32Array[],
    values: readonly Float32Array[],
  ): void;
  /** Whether so many more would be in another block than the row's last ones. */
  fills(row: number, more: number): boolean;
  /** Leaves a row these places, in ascending order: they are its first ones from then on. */
  keep(row: number, kept: readonly number[]): void;
  /** Leaves a row this many places. */
  cut(row: number, length: number): void;
  /** A row goes to another's place, which is lost. */
  move(from: number, to: number): void;
  /** Makes the arrays fit for so many tokens more in each row. */
  fit(more: number): void;
  close(): void;
}

export interface TreeShape {
  layers: number;
  heads: number;
  size: number;
}

export function createTokenTree({ layers, heads, size }: TreeShape): TokenTree {
  let capacity = 0;
  let places = 0;
  const used: number[] = [];
  let keys: Float32Array[] = Array.from({ length: layers }, () => new Float32Array());
  let values: Float32Array[] = keys.map(() => new Float32Array());

  function remake(rows: number, more: number): void {
    const other = (old: Float32Array) => {
      const fresh = new Float32Array(rows * heads * more * size);
      for (const [row, length = 0] of used.entries()) {
        if (length === 0) continue;
        for (let strip = row * heads; strip < (row + 1) * heads; strip++) {
          fresh.set(old.subarray(strip * places * size, (strip * places + length) * size), strip * more * size);
        }
      }
      freeArrays([old]);
      return fresh;
    };
    keys = keys.map(other);
    values = values.map(other);
    [capacity, places] = [rows, more];
  }

  function makeRoom(rows: number, needed: number): void {
    if (rows <= capacity && needed <= places) return;
    const blocks = Math.ceil(Math.max(needed, places * 1.25) / BLOCK) * BLOCK;
    remake(rows <= capacity ? capacity : Math.ceil(rows * 1.25), needed <= places ? places : blocks);
  }

  const longest = () => used.reduce((most, length) => Math.max(most, length), 0);
  const view = (array: Float32Array | undefined, from: number, rows: number) => {
    const row = heads * places * size;
    return (array ?? new Float32Array()).subarray(from * row, (from + rows) * row);
  };

  return {
    get places() {
      return places;
    },
    used: (row) => used[row] ?? 0,
    keys: (layer, from, rows) => view(keys[layer], from, rows),
    values: (layer, from, rows) => view(values[layer], from, rows),
    append(from, rows, nodes, newKeys, newValues) {
      const before = Array.from({ length: rows }, (_, row) => used[from + row] ?? 0);
      makeRoom(from + rows, Math.max(...before) + nodes);
      const length = nodes * size;
      for (const [fresh, arrays] of [
        [newKeys, keys],
        [newValues, values],
      ] as const) {
        for (const [layer, made] of fresh.entries()) {
          const to = arrays[layer];
          if (to === undefined) throw new RangeError(`no layer ${layer}`);
          for (const [row, place] of before.entries()) {
            for (let head = 0; head < heads; head++) {
              const strip = made.subarray((row * heads + head) * length, (row * heads + head + 1) * length);
              to.set(strip, (((from + row) * heads + head) * places + place) * size);
            }
          }
        }
      }
      for (const [row, place] of before.entries()) used[from + row] = place + nodes;
    },
    fills(row, more) {
      const length = used[row] ?? 0;
      return length > 0 && Math.ceil((length + more) / BLOCK) > Math.ceil(length / BLOCK);
    },
    keep(row, kept) {
      const moves = stretchesOf(kept);
      for (const array of [...keys, ...values]) {
        for (let head = 0; head < heads; head++) {
          const strip = (row * heads + head) * places;
          for (const { from, to, count } of moves) {
            array.copyWithin((strip + to) * size, (strip + from) * size, (strip + from + count) * size);
          }
        }
      }
      used[row] = kept.length;
    },
    cut(row, length) {
      used[row] = Math.min(used[row] ?? 0, length);
    },
    move(from, to) {
      const row = heads * places * size;
      for (const array of [...keys, ...values]) array.copyWithin(to * row, from * row, (from + 1) * row);
      used[to] = used[from] ?? 0;
      used[from] = 0;
    },
    fit(more) {
      const needed = longest() + more;
      if (needed > places) makeRoom(capacity, needed);
      else if (needed * SLACK < places) remake(capacity, Math.ceil((needed * 1.25) / BLOCK) * BLOCK);
    },
    close: () => freeArrays([...keys, ...values]),
  };
}

/** What moves, and where to, for these places to be the first ones; those that are there already do not. */
function stretchesOf(kept: readonly number[]): { from: number; to: number; count: number }[] {
  const moves: { from: number; to: number; count: number }[] = [];
  for (const [to, from] of kept.entries()) {
    const last = moves.at(-1);
    if (from === to) continue;
    if (last !== undefined && last.from + last.count === from && last.to + last.count === to) last.count++;
    else moves.push({ from, to, count: 1 });
  }
  return moves;
}
