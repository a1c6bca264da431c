/**
 * Keys and values of a batch in plain arrays that the graph reads where they lie: for each layer two tensors
 * [rows, heads, slots, size] with room to spare, and one mask that hides free and padded slots.
 *
 * All rows end at the same slot, the last used one, and begin where their length says. A step adds one slot to each row. A
 * row that ends leaves its place, and another may begin there at any time: its prompt is written so that it ends with the
 * others. When the slots are used up, or a prompt has no room, everything moves once into other arrays, and what no row has
 * in front is cut off. Arrays are given back one by one as they move: a cache is never there twice.
 */
import { float32Output, freeArrays, type TensorData } from "@parlance/inference";
import type { GiveWay } from "./decoding.ts";

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
/** Moved between two yield points. */
const MOVED_BYTES = 64 * 1_048_576;
const parts = ["key", "value"] as const;

export interface KeyValueCache {
  readonly rows: number;
  /** Slots of the longest row that could begin without a move. */
  readonly used: number;
  /** A row of this length begins: whatever its place held is hidden, and its places are to be written. */
  begin(row: number, length: number): void;
  /** Keys and values of a run over `places` of the row's prompt, from its place `from` on. */
  write(row: number, from: number, outputs: Tensors, places: number): void;
  /** Adds the one slot that a step has made for every row. */
  append(outputs: Tensors): void;
  /** The graph's inputs: views, not copies. Of all rows, or of one alone. */
  inputs(row?: number): Record<string, TensorData>;
  /** True when the next `append` has no room. */
  full(): boolean;
  /** A copy with these rows, which may be one several times. */
  copy(rows: readonly number[], move?: CacheMove): Promise<KeyValueCache>;
  /** The same, undefined being an empty place, and this cache is no more. */
  move(rows: readonly (number | undefined)[], move?: CacheMove): Promise<KeyValueCache>;
  /** Gives the memory back. */
  close(): void;
}

export interface CacheMove {
  /** Slots to come, for some or all of which there will be room. Default: a few. */
  wanted?: number;
  /** Length of the longest row that is to begin afterwards. Default 0. */
  longest?: number;
  giveWay?: GiveWay;
}

/** An empty cache for rows of `used` places at most, with room for some or all of the `wanted` slots to come. */
export function createCache(shape: CacheShape, rows: number, used: number, wanted = ROOM): KeyValueCache {
  const { layers, heads, size } = shape;
  const slots = used + roomFor(wanted);
  const tensors = Array.from({ length: 2 * layers }, () => new Float32Array(rows * heads * slots * size));
  const mask = new Float32Array(rows * slots).fill(HIDDEN);
  return view({ shape, slots, used, starts: new Array<number>(rows).fill(used), tensors, mask });
}

function roomFor(wanted: number): number {
  return Math.max(1, Math.min(ROOM, wanted));
}

interface State {
  shape: CacheShape;
  slots: number;
  used: number;
  /** First slot of each row. */
  starts: number[];
  /** Keys and values of layer 0, then of layer 1 … */
  tensors: readonly Float32Array[];
  mask: Float32Array;
}

function view(state: State): KeyValueCache {
  const { shape, slots, starts, tensors, mask } = state;
  const { heads, size } = shape;
  const rows = starts.length;
  const outputOf = (outputs: Tensors, index: number) =>
    float32Output(outputs, `${parts[index % 2] ?? ""}.${index >> 1}`);

  return {
    rows,
    get used() {
      return state.used;
    },
    begin(row, length) {
      starts[row] = state.used - length;
      mask.fill(HIDDEN, row * slots, (row + 1) * slots);
    },
    write(row, from, outputs, places) {
      const slot = (starts[row] ?? 0) + from;
      for (const [index, tensor] of tensors.entries()) {
        const made = outputOf(outputs, index);
        for (let head = 0; head < heads; head++) {
          const source = made.subarray(head * places * size, (head + 1) * places * size);
          tensor.set(source, ((row * heads + head) * slots + slot) * size);
        }
      }
      mask.fill(0, row * slots + slot, row * slots + slot + places);
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
    inputs(row) {
      const count = row === undefined ? rows : 1;
      const from = row ?? 0;
      const inputs: Record<string, TensorData> = {
        past_mask: { type: "float32", data: mask.subarray(from * slots, (from + count) * slots), dims: [count, slots] },
      };
      const length = heads * slots * size;
      for (const [index, tensor] of tensors.entries()) {
        const data = tensor.subarray(from * length, (from + count) * length);
        const dims = [count, heads, slots, size];
        inputs[`past_${parts[index % 2] ?? ""}.${index >> 1}`] = { type: "float32", data, dims };
      }
      return inputs;
    },
    full: () => state.used === slots,
    copy: (kept, move = {}) => rearrange(kept, move, () => {}),
    move: (kept, move = {}) => rearrange(kept, move, (tensor) => freeArrays([tensor])),
    close: () => freeArrays(tensors),
  };

  async function rearrange(
    kept: readonly (number | undefined)[],
    { wanted = ROOM, longest = 0, giveWay = async () => {} }: CacheMove,
    moved: (tensor: Float32Array) => void,
  ): Promise<KeyValueCache> {
    const lengths = kept.map((row) => (row === undefined ? 0 : state.used - (starts[row] ?? 0)));
    const used = Math.max(longest, ...lengths);
    const larger = used + roomFor(wanted);
    const targets: Float32Array[] = [];
    let bytes = 0;
    try {
      for (const tensor of tensors) {
        const target = new Float32Array(kept.length * heads * larger * size);
        targets.push(target);
        for (const [row, source] of kept.entries()) {
          if (source === undefined) continue;
          const length = lengths[row] ?? 0;
          for (let head = 0; head < heads; head++) {
            const from = ((source * heads + head) * slots + state.used - length) * size;
            const to = ((row * heads + head) * larger + used - length) * size;
            target.set(tensor.subarray(from, from + length * size), to);
          }
        }
        moved(tensor);
        bytes += target.byteLength;
        if (bytes < MOVED_BYTES) continue;
        bytes = 0;
        await giveWay();
      }
    } catch (error) {
      freeArrays(targets);
      throw error;
    }
    const movedMask = new Float32Array(kept.length * larger).fill(HIDDEN);
    for (const [row, source] of kept.entries()) {
      if (source === undefined) continue;
      const own = mask.subarray(source * slots + (starts[source] ?? 0), source * slots + state.used);
      movedMask.set(own, row * larger + used - own.length);
    }
    const movedStarts = lengths.map((length) => used - length);
    return view({ shape, slots: larger, used, starts: movedStarts, tensors: targets, mask: movedMask });
  }
}
