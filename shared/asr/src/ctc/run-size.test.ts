import { expect, test } from "vitest";
import { cpuRunSize } from "./run-size.ts";

const file = (bytes: number) => ({ path: "x", bytes, sha256: "0".repeat(64) });

function sizeOf(computeType: "int8" | "float32", files: Record<string, number>, maxSegmentSeconds = 30) {
  return cpuRunSize({
    ...{ role: "graph", computeType, frameSeconds: 0.02 },
    manifest: {
      files: Object.fromEntries(Object.entries(files).map(([role, bytes]) => [role, file(bytes)])),
      limits: { maxSegmentSeconds, maxBatchSize: 32 },
    },
  });
}

test("a run has the fewer seconds the more weights the graph has, in whatever number format they are", () => {
  expect(sizeOf("float32", { graph: 4e6 })).toEqual({ pieces: 1, seconds: 28 });
  expect(sizeOf("int8", { graph: 1e6 })).toEqual({ pieces: 1, seconds: 28 });
  expect(sizeOf("float32", { graph: 1e6, "graph.data": 3e6, other: 1e9 })).toEqual({ pieces: 1, seconds: 28 });
});

test("a graph of which a long row takes long is cut, and its run may have what all its pieces do", () => {
  expect(sizeOf("float32", { graph: 16e6 })).toEqual({ pieces: 4, seconds: 28 });
  expect(sizeOf("float32", { graph: 400e6 })).toEqual({ pieces: 16, seconds: 4.48 });
  expect(sizeOf("float32", { graph: 16e6 }, 4).pieces).toBe(1);
});
