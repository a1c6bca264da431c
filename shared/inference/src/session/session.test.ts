import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SpeechError } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { additionGraph, runAddition } from "../accelerators/cuda-probe-child.ts";
import { encodeModel } from "../testing/index.ts";
import { toEngineError } from "./runtime-errors.ts";
import { createSession } from "./session.ts";
import { float32Output } from "./tensors.ts";

const cpu = { device: { provider: "cpu", deviceId: 0 }, threads: 1 } as const;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "session-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, graph: Parameters<typeof encodeModel>[0]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, encodeModel(graph));
  return path;
}

describe("createSession", () => {
  it("runs a graph whose weights are external data", async () => {
    await writeFile(join(folder, "w.bin"), new Uint8Array(Float32Array.of(0, 1, 2, 3).buffer));
    const path = await write("external.onnx", {
      nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
      inputs: [{ name: "x", type: "float32", dims: ["batch", 2] }],
      outputs: [{ name: "y", type: "float32", dims: ["batch", 2] }],
      initializers: [{ name: "w", type: "float32", dims: [2, 2], data: { file: "w.bin", offset: 0, length: 16 } }],
    });
    const session = await createSession(path, cpu);
    expect(session.inputNames).toEqual(["x"]);
    const x = { type: "float32", data: Float32Array.of(1, 10), dims: [1, 2] } as const;
    expect(await session.run({ x })).toEqual({ y: { type: "float32", data: Float32Array.of(20, 31), dims: [1, 2] } });
    await session.close();
  });

  it("takes numbers where a graph wants half precision, and gives its halves back as they are", async () => {
    const path = await write("half.onnx", {
      nodes: [
        { op: "Cast", inputs: ["x"], outputs: ["wide"], attributes: { to: 1 } },
        { op: "Add", inputs: ["wide", "wide"], outputs: ["sum"] },
        { op: "Cast", inputs: ["sum"], outputs: ["y"], attributes: { to: 10 } },
      ],
      inputs: [{ name: "x", type: "float16", dims: ["rows", 2] }],
      outputs: [{ name: "y", type: "float16", dims: ["rows", 2] }],
    });
    const session = await createSession(path, cpu);
    expect(session.inputShape("x")).toEqual(["rows", 2]);
    expect(session.inputShape("z")).toBeUndefined();
    const dims = [1, 2];
    const { y } = await session.run({ x: { type: "float32", data: Float32Array.of(0.5, -3), dims } });
    expect(y).toEqual({ type: "float16", data: Uint16Array.of(0x3c00, 0xc600), dims });
    const again = await session.run(y === undefined ? {} : { x: y });
    expect(float32Output(again, "y")).toEqual(Float32Array.of(2, -12));
    await session.close();
  });

  it("tells a pass that does not fit the memory from every other error", async () => {
    const path = await write("large.onnx", {
      nodes: [{ op: "ConstantOfShape", inputs: ["shape"], outputs: ["y"] }],
      inputs: [{ name: "shape", type: "int64", dims: [1] }],
      outputs: [{ name: "y", type: "float32", dims: ["n"] }],
    });
    const session = await createSession(path, cpu);
    const shape = { type: "int64", data: BigInt64Array.of(2n ** 36n), dims: [1] } as const;
    await expect(session.run({ shape })).rejects.toMatchObject({ code: "engine_out_of_memory" });
    const small = { type: "int64", data: BigInt64Array.of(2n), dims: [1] } as const;
    expect((await session.run({ shape: small })).y?.data).toEqual(Float32Array.of(0, 0));
    await expect(session.run({})).rejects.not.toBeInstanceOf(SpeechError);
    await session.close();
  });

  it("names a file that is not a graph", async () => {
    await writeFile(join(folder, "not.onnx"), "not a graph");
    await expect(createSession(join(folder, "not.onnx"), cpu)).rejects.toThrow(
      /not\.onnx cannot be loaded: .*Protobuf/,
    );
  });
});

describe("toEngineError", () => {
  it.each([
    "Failed to allocate memory for requested buffer of size 12884901888",
    "CUDA failure 2: out of memory ; GPU=0",
    "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED",
    "Available memory of 52428800 is smaller than requested bytes of 104857600",
    "std::bad_alloc",
  ])("takes %j for out of memory", (message) => {
    expect(toEngineError(new Error(message))).toMatchObject({ code: "engine_out_of_memory" });
  });

  it("leaves other errors as they are", () => {
    const error = new Error("Got invalid dimensions for input: audio");
    expect(toEngineError(error)).toBe(error);
  });
});

describe("the graph of the CUDA probe", () => {
  it("is what the writer writes, and adds", async () => {
    const graph = encodeModel({
      nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["sum"] }],
      inputs: [{ name: "x", type: "float32", dims: [1] }],
      outputs: [{ name: "sum", type: "float32", dims: [1] }],
    });
    expect(Buffer.from(graph).toString("base64")).toBe(additionGraph);
    expect(await runAddition("cpu", 0)).toBe(41);
  });
});
