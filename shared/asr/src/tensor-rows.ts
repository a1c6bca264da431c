/** Rows of tensors that a graph has answered, to be its input again. */
import type { TensorData } from "@parlance/inference";

/** The rows along an axis in this order: one may be left out, and one may be taken more than once. */
export function takeRows(tensor: TensorData, axis: number, rows: readonly number[]): TensorData {
  const sources = rows.map((row) => ({ tensor, row }));
  return rows.length === tensor.dims[axis] && rows.every((row, place) => row === place)
    ? tensor
    : copyRows(tensor, axis, sources);
}

/** All rows of tensors that differ in nothing but their number of rows. */
export function joinRows(tensors: readonly TensorData[], axis: number): TensorData {
  const [first] = tensors;
  if (first === undefined) throw new RangeError("there are no rows to join");
  const sources = tensors.flatMap((tensor) =>
    Array.from({ length: tensor.dims[axis] ?? 0 }, (_, row) => ({ tensor, row })),
  );
  return tensors.length === 1 ? first : copyRows(first, axis, sources);
}

/** @param like says type and sizes */
function copyRows(like: TensorData, axis: number, sources: readonly { tensor: TensorData; row: number }[]): TensorData {
  const outer = product(like.dims.slice(0, axis));
  const inner = product(like.dims.slice(axis + 1));
  const length = outer * sources.length * inner;
  const dims = like.dims.with(axis, sources.length);
  const copy = <Data extends Float32Array | Uint16Array>(target: Data): Data => {
    for (const [place, { tensor, row }] of sources.entries()) {
      if (tensor.type !== like.type) throw new TypeError(`rows of ${like.type} and ${tensor.type} do not join`);
      const before = tensor.dims[axis] ?? 0;
      for (let block = 0; block < outer; block++) {
        const from = (block * before + row) * inner;
        // Both are of the type of `like`.
        const part = tensor.data.subarray(from, from + inner) as Data;
        target.set(part, (block * sources.length + place) * inner);
      }
    }
    return target;
  };
  if (like.type === "float32") return { type: "float32", data: copy(new Float32Array(length)), dims };
  if (like.type === "float16") return { type: "float16", data: copy(new Uint16Array(length)), dims };
  throw new TypeError(`rows are taken of float tensors, not of ${like.type}`);
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}
