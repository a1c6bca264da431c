import { expect, test } from "vitest";
import { secondsOfCpuRun } from "./run-size.ts";

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
