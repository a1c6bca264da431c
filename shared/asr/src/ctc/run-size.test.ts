import { expect, test } from "vitest";
import { rowsOfRun, secondsOfCpuRun } from "./run-size.ts";

const file = (bytes: number) => ({ path: "x", bytes, sha256: "0".repeat(64) });

test("a run has the fewer seconds the more weights the graph has, in whatever number format they are", () => {
  const seconds = (computeType: "int8" | "float32", files: Record<string, number>) =>
    secondsOfCpuRun({
      ...{ role: "graph", computeType, frameSeconds: 0.02 },
      manifest: { files: Object.fromEntries(Object.entries(files).map(([role, bytes]) => [role, file(bytes)])) },
    });
  expect(seconds("float32", { graph: 12e6 })).toBeCloseTo(20);
  expect(seconds("int8", { graph: 12e6 })).toBeCloseTo(5);
  expect(seconds("float32", { graph: 2e6, "graph.data": 10e6, other: 1e9 })).toBeCloseTo(20);
});

test("a run has as many rows as fit, padded to the longest, one at least, and no more than there are", () => {
  expect(rowsOfRun([5, 4, 3, 2], 32, 20)).toBe(4);
  expect(rowsOfRun([5, 4, 3, 2, 1, 1], 32, 20)).toBe(4);
  expect(rowsOfRun([5, 4, 3], 2, 20)).toBe(2);
  expect(rowsOfRun([40, 4], 32, 20)).toBe(1);
  expect(rowsOfRun([1], 32, Number.POSITIVE_INFINITY)).toBe(1);
});
