/** The words of all hypotheses of a beam as one tree: equal histories are one number. History 0 is empty. */
import { GrowableInts } from "../language/growable.ts";

export interface WordHistories {
  clear(): void;
  /** `from` and one more word, said by the pronunciation that ends at `end`: the likeliest one is remembered. */
  extend(from: number, word: number, end: number, probability: number): number;
  /** The words of a history, and for each the end of its likeliest pronunciation. */
  trace(history: number): { words: number[]; nodes: number[] };
}

const NONE = Number.NEGATIVE_INFINITY;

export function createWordHistories(): WordHistories {
  const parent = new GrowableInts();
  const word = new GrowableInts();
  const node = new GrowableInts();
  let reached = new Float64Array(1024);
  let table = new Int32Array(1 << 12);

  function slotOf(from: number, by: number): number {
    let slot = (Math.imul(from, 0x9e3779b1) ^ Math.imul(by, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 13)) & (table.length - 1);
    for (;;) {
      const id = table[slot] ?? 0;
      if (id === 0 || (parent.data[id] === from && word.data[id] === by)) return slot;
      slot = (slot + 1) & (table.length - 1);
    }
  }

  return {
    clear() {
      for (const column of [parent, word, node]) {
        column.length = 0;
        column.push(-1);
      }
      table.fill(0);
    },
    extend(from, by, end, probability) {
      let slot = slotOf(from, by);
      const known = table[slot] ?? 0;
      if (known !== 0) {
        if (probability > (reached[known] ?? NONE)) {
          reached[known] = probability;
          node.data[known] = end;
        }
        return known;
      }
      if (2 * parent.length >= table.length) {
        table = new Int32Array(2 * table.length);
        for (let id = 1; id < parent.length; id++) table[slotOf(parent.data[id] ?? 0, word.data[id] ?? 0)] = id;
        slot = slotOf(from, by);
      }
      const id = parent.push(from);
      word.push(by);
      node.push(end);
      table[slot] = id;
      if (id >= reached.length) {
        const larger = new Float64Array(2 * reached.length);
        larger.set(reached);
        reached = larger;
      }
      reached[id] = probability;
      return id;
    },
    trace(history) {
      const words: number[] = [];
      const nodes: number[] = [];
      for (let at = history; at > 0; at = parent.data[at] ?? 0) {
        words.push(word.data[at] ?? 0);
        nodes.push(node.data[at] ?? 0);
      }
      return { words: words.reverse(), nodes: nodes.reverse() };
    },
  };
}
