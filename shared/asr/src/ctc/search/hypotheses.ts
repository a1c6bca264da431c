/** The hypotheses of a beam: columns of typed arrays, an open hash table over them, and the choice of the best. */
const NONE = Number.NEGATIVE_INFINITY;

export interface Hypotheses {
  count: number;
  key: Int32Array;
  node: Int32Array;
  history: Int32Array;
  state: Int32Array;
  /** Language model, bonuses and boosts of the words so far. */
  language: Float64Array;
  /** What the best word at or below the node will add. */
  promised: Float64Array;
  blank: Float64Array;
  label: Float64Array;
  rank: Float64Array;
}

export function createHypotheses(capacity: number): Hypotheses {
  const integers = () => new Int32Array(capacity);
  const numbers = () => new Float64Array(capacity);
  return {
    count: 0,
    key: integers(),
    node: integers(),
    history: integers(),
    state: integers(),
    language: numbers(),
    promised: numbers(),
    blank: numbers(),
    label: numbers(),
    rank: numbers(),
  };
}

export function copyRow(from: Hypotheses, source: number, to: Hypotheses, target: number): void {
  to.node[target] = from.node[source] ?? 0;
  to.history[target] = from.history[source] ?? 0;
  to.state[target] = from.state[source] ?? 0;
  to.language[target] = from.language[source] ?? 0;
  to.promised[target] = from.promised[source] ?? 0;
  to.blank[target] = from.blank[source] ?? NONE;
  to.label[target] = from.label[source] ?? NONE;
}

/** Rows by (key, node). Emptied by a new stamp, not by filling. */
export interface HypothesisTable {
  clear(): void;
  /** The row of (key, node), or `rows.count` when there is none yet: the caller then adds it there. */
  find(key: number, node: number, rows: Hypotheses): number;
}

export function createHypothesisTable(least: number): HypothesisTable {
  const size = 1 << Math.ceil(Math.log2(least));
  const entries = new Int32Array(size);
  const stamps = new Int32Array(size);
  let stamp = 0;
  return {
    clear() {
      stamp++;
    },
    find(key, node, rows) {
      let slot = (Math.imul(key, 0x9e3779b1) ^ Math.imul(node, 0x85ebca6b)) >>> 0;
      slot = (slot ^ (slot >>> 15)) & (size - 1);
      while (stamps[slot] === stamp) {
        const entry = entries[slot] ?? 0;
        if (rows.node[entry] === node && rows.key[entry] === key) return entry;
        slot = (slot + 1) & (size - 1);
      }
      stamps[slot] = stamp;
      entries[slot] = rows.count;
      return rows.count;
    },
  };
}

/** Moves the `wanted` entries with the highest ranks to the front (Hoare's quickselect). */
export function selectBest(selection: Int32Array, rank: Float64Array, count: number, wanted: number): void {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = rank[selection[(low + high) >> 1] ?? 0] ?? NONE;
    let left = low;
    let right = high;
    while (left <= right) {
      while ((rank[selection[left] ?? 0] ?? NONE) > pivot) left++;
      while ((rank[selection[right] ?? 0] ?? NONE) < pivot) right--;
      if (left > right) break;
      const swapped = selection[left] ?? 0;
      selection[left] = selection[right] ?? 0;
      selection[right] = swapped;
      left++;
      right--;
    }
    if (wanted - 1 <= right) high = right;
    else if (wanted - 1 >= left) low = left;
    else return;
  }
}
