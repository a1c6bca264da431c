/** What this machine can do at most: reading memory, and multiplying by ONNX Runtime's own kernels, on as many threads as engines have. */
import { Worker } from "node:worker_threads";
import { createSession } from "@parlance/inference";
import { encodeModel, type GraphNode } from "@parlance/inference/testing";
import type { MachineLimits } from "./share.ts";

/** Rows and columns of the matrices: large enough to be bound by products alone. */
const ROWS = 512;
const SIZE = 2_048;
const RUNS = 24;
/** Of onnx.proto3. */
const UINT8 = 2;

export async function measureLimits(threads: number): Promise<MachineLimits> {
  return {
    bytesPerSecond: await readingSpeed(threads),
    smallProductsPerSecond: await productSpeed(threads, "eight bits"),
    floatProductsPerSecond: await productSpeed(threads, "float32"),
  };
}

/** Every thread looks through memory of its own for a byte that is not there. */
async function readingSpeed(threads: number): Promise<number> {
  const speeds = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL("memory-reader.ts", import.meta.url));
    return new Promise<number>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  });
  return (await Promise.all(speeds)).reduce((sum, speed) => sum + speed, 0);
}

async function productSpeed(threads: number, kind: "eight bits" | "float32"): Promise<number> {
  const numbers = (count: number) => Float32Array.from({ length: count }, (_, at) => (at * 7) % 13);
  const weights = numbers(SIZE * SIZE);
  const dims = [SIZE, SIZE];
  const nodes: GraphNode[] =
    kind === "float32"
      ? [{ op: "MatMul", inputs: ["rows", "weights"], outputs: ["sums"] }]
      : [
          { op: "Cast", inputs: ["rows"], outputs: ["bytes"], attributes: { to: UINT8 } },
          { op: "MatMulInteger", inputs: ["bytes", "weights"], outputs: ["sums"] },
        ];
  const bytes = encodeModel({
    nodes,
    inputs: [{ name: "rows", type: "float32", dims: [ROWS, SIZE] }],
    outputs: [{ name: "sums", type: kind === "float32" ? "float32" : "int32", dims: [ROWS, SIZE] }],
    initializers: [
      kind === "float32"
        ? { name: "weights", type: "float32", dims, data: weights }
        : { name: "weights", type: "int8", dims, data: Int8Array.from(weights) },
    ],
  });
  const graph = { path: import.meta.filename, bytes };
  const session = await createSession(graph, { device: { provider: "cpu", deviceId: 0 }, threads });
  const rows = { type: "float32", data: numbers(ROWS * SIZE), dims: [ROWS, SIZE] } as const;
  let best = Number.POSITIVE_INFINITY;
  try {
    for (let run = 0; run < RUNS; run += 1) {
      const began = performance.now();
      await session.run({ rows });
      best = Math.min(best, (performance.now() - began) / 1_000);
    }
  } finally {
    await session.close();
  }
  return (ROWS * SIZE * SIZE) / best;
}
