import type { TensorData } from "@parlance/inference";
import { describe, expect, it } from "vitest";
import { joinRows, takeRows } from "./tensor-rows.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const tensor: TensorData = { type: "float32", data: Float32Array.from(numbers(12)), dims: [2, 3, 2] };
const halves: TensorData = { type: "float16", data: Uint16Array.from(numbers(4)), dims: [2, 2] };

describe("rows of a tensor", () => {
  it("are taken along any axis, in any order, more than once", () => {
    expect(takeRows(tensor, 1, [2, 0, 2, 2])).toEqual({
      ...{ type: "float32", dims: [2, 4, 2] },
      data: Float32Array.of(4, 5, 0, 1, 4, 5, 4, 5, 10, 11, 6, 7, 10, 11, 10, 11),
    });
    expect(takeRows(halves, 0, [1])).toEqual({ type: "float16", data: Uint16Array.of(2, 3), dims: [1, 2] });
    expect(takeRows(tensor, 1, [0, 1, 2])).toBe(tensor);
  });

  it("join to what they were taken from", () => {
    const parts = [[0], [1, 2]].map((rows) => takeRows(tensor, 1, rows));
    expect(joinRows(parts, 1)).toEqual(tensor);
    expect(joinRows([tensor], 1)).toBe(tensor);
  });

  it("are of floats of one kind", () => {
    const integers: TensorData = { type: "int32", data: Int32Array.of(1, 2), dims: [2] };
    expect(() => takeRows(integers, 0, [1])).toThrow("int32");
    expect(() => joinRows([halves, tensor], 0)).toThrow("float16 and float32");
  });
});
