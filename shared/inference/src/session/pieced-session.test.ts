import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeModel, type Graph, type GraphNode } from "../testing/onnx-writer.ts";
import { cutGraph } from "./graph-pieces.ts";
import { createPiecedSession } from "./pieced-session.ts";
import { createSession } from "./session.ts";
import type { TensorData } from "./tensors.ts";

const cpu = { device: { provider: "cpu", deviceId: 0 }, threads: 1 } as const;
const WIDTH = 160;
const LAYERS = 6;
let folder: string;
let path: string;

/**
 * Layers that add to what goes through them, over weights in a file beside the graph. A mask that depends on the inputs alone
 * is used by all of them, a size of what goes through by the last, and each layer's product is an output too.
 */
function layered(): Graph {
  const nodes: GraphNode[] = [
    { op: "Cast", inputs: ["lengths"], outputs: ["mask"], attributes: { to: 1 } },
    { op: "Identity", inputs: ["mask"], outputs: ["seen"] },
  ];
  const initializers: Graph["initializers"] = Array.from({ length: LAYERS }, (_, layer) => ({
    name: `w.${layer}`,
    type: "float32" as const,
    dims: [WIDTH, WIDTH],
    data: { file: "w.bin", offset: layer * WIDTH * WIDTH * 4, length: WIDTH * WIDTH * 4 },
  }));
  for (let layer = 0; layer < LAYERS; layer++) {
    const from = layer === 0 ? "x" : `sum.${layer - 1}`;
    nodes.push(
      { op: "MatMul", inputs: [from, `w.${layer}`], outputs: [`product.${layer}`] },
      { op: "Mul", inputs: [`product.${layer}`, "mask"], outputs: [`masked.${layer}`] },
      { op: "Add", inputs: [from, `masked.${layer}`], outputs: [`sum.${layer}`] },
    );
  }
  nodes.push(
    { op: "Shape", inputs: ["sum.1"], outputs: ["shape"] },
    { op: "Reshape", inputs: [`sum.${LAYERS - 1}`, "shape"], outputs: ["y"] },
  );
  const value = (name: string) => ({ name, type: "float32" as const, dims: ["rows", WIDTH] });
  return {
    nodes,
    initializers,
    inputs: [value("x"), { name: "lengths", type: "int64", dims: ["rows", 1] }],
    outputs: [value("y"), value("product.2"), { name: "seen", type: "float32", dims: ["rows", 1] }, value("sum.3")],
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pieces-"));
  path = join(folder, "layers.onnx");
  const weights = Float32Array.from({ length: LAYERS * WIDTH * WIDTH }, (_, at) => Math.sin(at * 1.7) / 20);
  await writeFile(join(folder, "w.bin"), new Uint8Array(weights.buffer));
  await writeFile(path, encodeModel(layered()));
});
afterAll(() => rm(folder, { recursive: true }));

const rows = 3;
const inputs: Record<string, TensorData> = {
  x: {
    type: "float32",
    data: Float32Array.from({ length: rows * WIDTH }, (_, at) => Math.cos(at)),
    dims: [rows, WIDTH],
  },
  lengths: { type: "int64", data: BigInt64Array.of(1n, 0n, 2n), dims: [rows, 1] },
};

describe("a session in pieces", () => {
  it.each([1, 2, 3, 4, 6, 40])("answers what the graph answers, cut into at most %i", async (most) => {
    const whole = await createSession(path, cpu);
    const pieced = await createPiecedSession(path, cpu, most);
    expect(pieced.pieces).toBe(Math.min(most, LAYERS));
    expect(pieced.inputNames.toSorted()).toEqual(["lengths", "x"]);
    let yields = 0;
    const answer = await pieced.run(inputs, async () => void yields++);
    expect(yields).toBe(pieced.pieces - 1);
    expect(answer).toEqual(await whole.run(inputs));
    await pieced.close();
    await whole.close();
  });

  it("is cut where weights are stored as halves, which are made whole before anything else", async () => {
    const halves = join(folder, "halves.onnx");
    const graph = layered();
    const made = (graph.initializers ?? []).map(({ name, dims }, layer) => ({
      node: { op: "Cast", inputs: [`${name}.half`], outputs: [name], attributes: { to: 1 } },
      tensor: {
        ...{ name: `${name}.half`, type: "float16" as const, dims },
        data: Uint16Array.from({ length: WIDTH * WIDTH }, (_, at) => (at * 37 + layer) % 0x2000),
      },
    }));
    const nodes = [...made.map(({ node }) => node), ...graph.nodes];
    await writeFile(halves, encodeModel({ ...graph, nodes, initializers: made.map(({ tensor }) => tensor) }));
    const [whole, pieced] = [await createSession(halves, cpu), await createPiecedSession(halves, cpu, LAYERS)];
    expect(pieced.pieces).toBe(LAYERS);
    expect(await pieced.run(inputs, async () => {})).toEqual(await whole.run(inputs));
    await pieced.close();
    await whole.close();
  });

  it("is cut in the middle of its work: behind a stride there are fewer places, for a convolution as for what follows", () => {
    const weight = (name: string, ...dims: number[]) => ({
      ...{ name, type: "float32" as const, dims },
      data: new Float32Array(WIDTH * WIDTH),
    });
    const value = (name: string, ...dims: (string | number)[]) => ({ name, type: "float32" as const, dims });
    const model = encodeModel({
      nodes: [
        { op: "Conv", inputs: ["sound", "basis"], outputs: ["frames"], attributes: { strides: [WIDTH] } },
        { op: "Transpose", inputs: ["frames"], outputs: ["turned"], attributes: { perm: [0, 2, 1] } },
        { op: "MatMul", inputs: ["turned", "a"], outputs: ["first"] },
        { op: "MatMul", inputs: ["first", "b"], outputs: ["second"] },
        { op: "MatMul", inputs: ["second", "c"], outputs: ["y"] },
      ],
      initializers: [weight("basis", WIDTH, 1, WIDTH), ...["a", "b", "c"].map((name) => weight(name, WIDTH, WIDTH))],
      inputs: [value("sound", "rows", 1, "samples")],
      outputs: [value("y", "rows", "frames", WIDTH)],
    });
    expect(cutGraph(model, { pieces: 2 }).map(({ taken }) => taken)).toEqual([[], ["first"]]);
  });

  it("runs again inside a run, and neither disturbs the other", async () => {
    const pieced = await createPiecedSession(path, cpu, 3);
    const expected = await pieced.run(inputs, async () => {});
    const inner: unknown[] = [];
    const outer = await pieced.run(inputs, async () => void inner.push(await pieced.run(inputs, async () => {})));
    expect([outer, ...inner]).toEqual([expected, expected, expected]);
    await pieced.close();
  });

  it("stops where the caller does, and runs again", async () => {
    const pieced = await createPiecedSession(path, cpu, 3);
    await expect(pieced.run(inputs, () => Promise.reject(new Error("enough")))).rejects.toThrow("enough");
    expect(Object.keys(await pieced.run(inputs, async () => {}))).toHaveLength(4);
    await pieced.close();
  });

  it("is not cut where codes of numbers would go over", async () => {
    const coded = join(folder, "coded.onnx");
    const weight = (name: string) => {
      const data = Float32Array.from({ length: WIDTH * WIDTH }, (_, at) => Math.sin(at) / 9);
      return { name, type: "float32" as const, dims: [WIDTH, WIDTH], data };
    };
    await writeFile(
      coded,
      encodeModel({
        nodes: [
          { op: "MatMul", inputs: ["x", "a"], outputs: ["first"] },
          { op: "DynamicQuantizeLinear", inputs: ["first"], outputs: ["codes", "scale", "zero"] },
          { op: "Identity", inputs: ["codes"], outputs: ["same"] },
          { op: "DequantizeLinear", inputs: ["same", "scale", "zero"], outputs: ["second"] },
          { op: "MatMul", inputs: ["second", "b"], outputs: ["y"] },
        ],
        initializers: [weight("a"), weight("b")],
        inputs: [{ name: "x", type: "float32", dims: ["rows", WIDTH] }],
        outputs: [{ name: "y", type: "float32", dims: ["rows", WIDTH] }],
      }),
    );
    const [whole, pieced] = [await createSession(coded, cpu), await createPiecedSession(coded, cpu, 2)];
    expect(pieced.pieces).toBe(2);
    const { x } = inputs;
    if (x === undefined) throw new Error("there is no input");
    expect(await pieced.run({ x }, async () => {})).toEqual(await whole.run({ x }));
    await pieced.close();
    await whole.close();
  });

  it("is one piece where there is nothing to cut", async () => {
    const small = join(folder, "small.onnx");
    await writeFile(
      small,
      encodeModel({
        nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
        inputs: [{ name: "x", type: "float32", dims: ["rows"] }],
        outputs: [{ name: "y", type: "float32", dims: ["rows"] }],
      }),
    );
    const pieced = await createPiecedSession(small, cpu, 4);
    expect(pieced.pieces).toBe(1);
    const x: TensorData = { type: "float32", data: Float32Array.of(2), dims: [1] };
    expect((await pieced.run({ x }, async () => {})).y?.data).toEqual(Float32Array.of(4));
    await pieced.close();
  });

  it("says of a file that is no graph why it is not cut, and that it cannot be loaded", async () => {
    const wrong = join(folder, "wrong.onnx");
    await writeFile(wrong, "this is no graph");
    const told: unknown[] = [];
    const log = (message: string, fields = {}) => void told.push([message, fields]);
    await expect(createPiecedSession(wrong, { ...cpu, log }, 4)).rejects.toThrow("wrong.onnx");
    const why = expect.stringMatching(/Error: .+/);
    expect(told).toEqual([[expect.stringContaining("cannot be cut"), { path: wrong, error: why }]]);
  });
});
