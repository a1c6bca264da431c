/** Rows of a tensor that a graph has answered, to be its input again. */
import type { TensorData } from "@parlance/inference";

/** The rows along an axis in this order: one may be left out, and one may be taken more than once. */
export function takeRows(tensor: TensorData, axis: number, rows: readonly number[]): TensorData {
  const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  const { dims } = tensor;
  const [outer, before = 0, inner] = [product(dims.slice(0, axis)), dims[axis], product(dims.slice(axis + 1))];
  const copy = <Data extends Float32Array | Uint16Array>(source: Data, target: Data): Data => {
    for (let block = 0; block < outer; block++) {
      for (const [place, row] of rows.entries()) {
        const from = (block * before + row) * inner;
        target.set(source.subarray(from, from + inner), (block * rows.length + place) * inner);
      }
    }
    return target;
  };
  const taken = dims.with(axis, rows.length);
  const length = outer * rows.length * inner;
  if (tensor.type === "float32") {
    return { type: "float32", data: copy(tensor.data, new Float32Array(length)), dims: taken };
  }
  if (tensor.type === "float16") {
    return { type: "float16", data: copy(tensor.data, new Uint16Array(length)), dims: taken };
  }
  throw new TypeError(`rows are taken of float tensors, not of ${tensor.type}`);
}
