/**
 * Keys and values of a batch in plain arrays that the graph reads where they lie: for each layer two tensors
 * [rows, heads, slots, size] with room to spare, and one mask that hides free and padded slots. A step adds one slot to
 * each row; when the slots are used up everything moves once into larger arrays, without the rows that have ended. Arrays are
 * given back one by one as they move: a cache is never there twice.
 */
import { float32Output, freeArrays, type TensorData } from "@parlance/inference";

export interface CacheShape {
  layers: number;
  heads: number;
  /** Numbers in one key. */
  size: number;
}

export type Tensors = Readonly<Record<string, TensorData>>;

/** Slots that are added at a time: free ones are read in every step all the same. */
const ROOM = 32;
/** Finite: a softmax over nothing but hidden slots must not divide zero by zero. */
const HIDDEN = -30_000;
const parts = ["key", "value"] as const;

export interface KeyValueCache {
  readonly rows: number;
  /** Copies the keys and values of a run over prompts: its row n becomes row `rows[n]`, ending at the last used slot. */
  fill(outputs: Tensors, rows: readonly number[], lengths: readonly number[], places: number): void;
  /** Adds the one slot that a step has made for every row. */
  append(outputs: Tensors): void;
  /** The graph's inputs: views, not copies. */
  inputs(): Record<string, TensorData>;
  /** True when the next `append` has no room. */
  full(): boolean;
  /** A copy with only these rows, and with room for as many tokens as they may still say. */
  keep(rows: readonly number[], wanted?: number): KeyValueCache;
  /** The same, and this cache is no more. */
  move(rows: readonly number[], wanted?: number): KeyValueCache;
  /** Gives the memory back. */
  close(): void;
}

/** A cache whose prompts end at slot `used`, with room for some or all of the `wanted` slots to come. */
export function createCache(shape: CacheShape, rows: number, used: number, wanted = ROOM): KeyValueCache {
  const { layers, heads, size } = shape;
  const slots = used + roomFor(wanted);
  const tensors = Array.from({ length: 2 * layers }, () => new Float32Array(rows * heads * slots * size));
  const mask = new Float32Array(rows * slots).fill(HIDDEN);
  return view({ shape, rows, slots, used, tensors, mask });
}

function roomFor(wanted: number): number {
  return Math.max(1, Math.min(ROOM, wanted));
}

/** What a run over prompts gets as its past: one hidden slot. */
export function emptyPast({ layers, heads, size }: CacheShape, rows: number): Record<string, TensorData> {
  const inputs: Record<string, TensorData> = {
    past_mask: { type: "float32", data: new Float32Array(rows).fill(HIDDEN), dims: [rows, 1] },
  };
  const nothing = new Float32Array(rows * heads * size);
  for (let layer = 0; layer < layers; layer++) {
    for (const part of parts) {
      inputs[`past_${part}.${layer}`] = { type: "float32", data: nothing, dims: [rows, heads, 1, size] };
    }
  }
  return inputs;
}

interface State {
  shape: CacheShape;
  rows: number;
  slots: number;
  used: number;
  /** Keys and values of layer 0, then of layer 1 … */
  tensors: readonly Float32Array[];
  mask: Float32Array;
}

function view(state: State): KeyValueCache {
  const { shape, rows, slots, tensors, mask } = state;
  const { heads, size } = shape;
  const outputOf = (outputs: Tensors, index: number) =>
    float32Output(outputs, `${parts[index % 2] ?? ""}.${index >> 1}`);

  return {
    rows,
    fill(outputs, targets, lengths, places) {
      for (const [index, tensor] of tensors.entries()) {
        const made = outputOf(outputs, index);
        for (const [row, target] of targets.entries()) {
          for (let head = 0; head < heads; head++) {
            const from = (row * heads + head) * places * size;
            const to = ((target * heads + head) * slots + state.used - places) * size;
            tensor.set(made.subarray(from, from + places * size), to);
          }
        }
      }
      for (const [row, target] of targets.entries()) {
        mask.fill(0, target * slots + state.used - (lengths[row] ?? 0), target * slots + state.used);
      }
    },
    append(outputs) {
      for (const [index, tensor] of tensors.entries()) {
        const made = outputOf(outputs, index);
        for (let block = 0; block < rows * heads; block++) {
          tensor.set(made.subarray(block * size, (block + 1) * size), (block * slots + state.used) * size);
        }
      }
      for (let row = 0; row < rows; row++) mask[row * slots + state.used] = 0;
      state.used++;
    },
    inputs() {
      const inputs: Record<string, TensorData> = {
        past_mask: { type: "float32", data: mask, dims: [rows, slots] },
      };
      for (const [index, data] of tensors.entries()) {
        const dims = [rows, heads, slots, size];
        inputs[`past_${parts[index % 2] ?? ""}.${index >> 1}`] = { type: "float32", data, dims };
      }
      return inputs;
    },
    full: () => state.used === slots,
    keep: (kept, wanted = ROOM) => copy(kept, wanted, () => {}),
    move: (kept, wanted = ROOM) => copy(kept, wanted, (tensor) => freeArrays([tensor])),
    close: () => freeArrays(tensors),
  };

  function copy(kept: readonly number[], wanted: number, copied: (tensor: Float32Array) => void): KeyValueCache {
    const larger = state.used + roomFor(wanted);
    const moved = tensors.map((tensor) => {
      const target = new Float32Array(kept.length * heads * larger * size);
      for (const [row, source] of kept.entries()) {
        for (let head = 0; head < heads; head++) {
          const from = (source * heads + head) * slots * size;
          target.set(tensor.subarray(from, from + state.used * size), (row * heads + head) * larger * size);
        }
      }
      copied(tensor);
      return target;
    });
    const movedMask = new Float32Array(kept.length * larger).fill(HIDDEN);
    for (const [row, source] of kept.entries()) {
      movedMask.set(mask.subarray(source * slots, source * slots + state.used), row * larger);
    }
    return view({ ...state, rows: kept.length, slots: larger, tensors: moved, mask: movedMask });
  }
}
