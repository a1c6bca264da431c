import { describe, expect, it } from "vitest";
import { freeArrays, freeTensors } from "./free.ts";

describe("freeArrays", () => {
  it("gives the memory back without waiting for a garbage collection", () => {
    const before = process.memoryUsage().arrayBuffers;
    const array = new Float32Array(16 << 20);
    expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(60e6);
    freeArrays([array]);
    expect(array.length).toBe(0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10e6);
  });

  it("may be called twice, and with views of one memory", () => {
    const array = new Float32Array(8);
    const view = array.subarray(2);
    freeArrays([array, view]);
    freeTensors({ keys: { type: "float32", data: array, dims: [8] } });
    expect([array.length, view.length]).toEqual([0, 0]);
  });
});
