/**
 * Keys and values of the cross attention of a pass's rows, one pair of arrays a layer, in which the runtime reads them in place:
 * megabytes a row. Arrays of a pass that has ended wait for the next; two passes that run never share any.
 */
import { freeArrays } from "@parlance/inference";

export interface CrossMemory {
  /** Rows that there is room for. */
  readonly rows: number;
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
}

export interface CrossPool {
  borrow(rows: number): CrossMemory;
  giveBack(memory: CrossMemory): void;
  close(): void;
}

/** A pass and an urgent one inside it. */
const KEPT = 2;

export function createCrossPool(layers: number, rowLength: number): CrossPool {
  const kept: CrossMemory[] = [];
  const free = (memory: CrossMemory | undefined) => {
    if (memory !== undefined) freeArrays([...memory.keys, ...memory.values]);
  };
  const make = (rows: number) => Array.from({ length: layers }, () => new Float32Array(rows * rowLength));
  return {
    borrow(rows) {
      const fitting = kept.findIndex((memory) => memory.rows >= rows);
      const [found] = fitting < 0 ? [] : kept.splice(fitting, 1);
      if (found !== undefined) return found;
      // What is too small for this pass would only lie there beside it.
      free(kept.pop());
      return { rows, keys: make(rows), values: make(rows) };
    },
    giveBack(memory) {
      kept.push(memory);
      kept.sort((a, b) => a.rows - b.rows);
      // The smallest: what a large pass needs is what takes long to make.
      if (kept.length > KEPT) free(kept.shift());
    },
    close() {
      for (const memory of kept.splice(0)) free(memory);
    },
  };
}
