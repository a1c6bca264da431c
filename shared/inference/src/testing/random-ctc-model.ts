/**
 * A `ctc` model of any size with random weights: it says nonsense at the price of a real model, and keeps the contract
 * of the embedded one (waveform in, phone and character log-probabilities out). For tests and benches.
 *
 * No layer before the heads has a bias and a mask follows each convolution, so that padding a row changes nothing.
 * The heads favour blank, so that about a sixth of the frames say something, as with speech.
 */
import { mkdir, open, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { writeCtcManifest } from "./ctc-manifest.ts";
import { encodeModel, type Graph, type GraphNode, type GraphTensor } from "./onnx-writer.ts";

export interface RandomCtcModelOptions {
  /** Made when it is not there; its graph, weights and manifest are written anew. */
  folder: string;
  name?: string;
  /** About how many weights; layers are `2 * 12` matrices whose width follows from it. */
  parameters: number;
  /** A multiple of 1/16000 s. 40 ms is common for models of 100 M. */
  frameSeconds?: number;
  seed?: number;
  /** With the blank, `""`, first and the word separator, `"|"`, second. Empty: no phone head. */
  phones: readonly string[];
  /** With the blank first and the space second. Empty: no character head. */
  characters: readonly string[];
  /** Files to decode with, copied beside the graph. */
  lexicon?: string | undefined;
  languageModel?: string | undefined;
}

const layers = 12;
const sampleRate = 16_000;

/** Answers how many weights the model really has. */
export async function writeRandomCtcModel(options: RandomCtcModelOptions): Promise<{ parameters: number }> {
  const { folder, phones, characters, frameSeconds = 0.04, name = "random-ctc" } = options;
  await mkdir(folder, { recursive: true });
  const weights = await openWeights(join(folder, "model.bin"), options.seed ?? 1);
  const width = Math.max(16, Math.round(Math.sqrt(options.parameters / (8 * layers)) / 16) * 16);
  const graph = await buildGraph(
    weights,
    width,
    Math.round(frameSeconds * sampleRate),
    phones.length,
    characters.length,
  );
  await weights.close();
  await writeFile(join(folder, "model.onnx"), encodeModel(graph));

  await writeCtcManifest({
    ...options,
    name,
    frameSeconds,
    description: "Random weights: for benches and tests, it cannot hear.",
  });
  return { parameters: weights.count() };
}

async function buildGraph(
  weights: Weights,
  width: number,
  hop: number,
  phones: number,
  characters: number,
): Promise<Graph> {
  const nodes: GraphNode[] = [];
  const initializers: GraphTensor[] = [];
  const add = (op: string, inputs: string[], output: string, attributes: GraphNode["attributes"] = {}): string => {
    nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  };
  const matrix = async (name: string, dims: number[], spread: number, mirrored = false): Promise<string> => {
    initializers.push(await weights.tensor(name, dims, spread, mirrored));
    return name;
  };
  const constant = (name: string, tensor: Pick<GraphTensor, "type" | "dims" | "data">): string => {
    initializers.push({ name, ...tensor });
    return name;
  };
  const integers = (name: string, ...values: number[]): string =>
    constant(name, { type: "int64", dims: [values.length], data: BigInt64Array.from(values, BigInt) });

  // [batch, samples] → [batch, 1, samples] → [batch, width, frames]: ceil(samples / hop) frames.
  const kernel = 2 * hop;
  const channel = add("Unsqueeze", ["audio", integers("one", 1)], "channel");
  const stem = await matrix("stem", [width, 1, kernel], Math.sqrt(1 / kernel));
  // A frame sees only what comes behind its beginning: frames behind a row's end see nothing but zeros.
  const pads = [0, kernel - 1];
  let x = add("Conv", [channel, stem], "stem_out", { kernel_shape: [kernel], strides: [hop], pads });
  const padded = add("Add", ["lengths", integers("hop_less_one", hop - 1)], "padded");
  const frames = add("Div", [padded, integers("hop", hop)], "frames");
  const scalar = (name: string, value: number) =>
    constant(name, { type: "int64", dims: [], data: BigInt64Array.of(BigInt(value)) });
  const longest = add("Gather", [add("Shape", [x], "shape"), scalar("last_axis", 2)], "longest", { axis: 0 });
  const places = add("Range", [scalar("zero", 0), longest, scalar("step", 1)], "places");
  const inside = add("Less", [places, add("Unsqueeze", [frames, "one"], "limits")], "inside");
  const mask = add("Unsqueeze", [add("Cast", [inside], "inside_float", { to: 1 }), "one"], "mask");
  for (let layer = 0; layer < layers; layer++) {
    const id = (part: string) => `layer${layer}_${part}`;
    if (layer % 3 === 0) {
      const depthwise = await matrix(id("depthwise"), [width, 1, 9], 1 / 3);
      const mixed = add("Conv", [x, depthwise], id("conv"), { kernel_shape: [9], pads: [4, 4], group: width });
      x = add("Mul", [mixed, mask], id("masked"));
    }
    const rows = add("Transpose", [x], id("rows"), { perm: [0, 2, 1] });
    const up = await matrix(id("up"), [width, 4 * width], Math.sqrt(2 / width));
    // Its second half undoes the mean of the first: otherwise ReLU's positive mean would drown what tells frames apart.
    const down = await matrix(id("down"), [4 * width, width], Math.sqrt(1 / (8 * width)), true);
    const hidden = add("Relu", [add("MatMul", [rows, up], id("wide"))], id("relu"));
    const sum = add("Add", [rows, add("MatMul", [hidden, down], id("narrow"))], id("sum"));
    x = add("Transpose", [sum], id("out"), { perm: [0, 2, 1] });
  }
  const rows = add("Transpose", [x], "rows", { perm: [0, 2, 1] });
  const power = add("ReduceMean", [add("Mul", [rows, rows], "squares")], "power", { axes: [-1], keepdims: 1 });
  const floor = constant("floor", { type: "float32", dims: [1], data: Float32Array.of(1e-8) });
  const level = add("Sqrt", [add("Add", [power, floor], "floored")], "level");
  const even = add("Div", [rows, level], "even");

  const outputs: Graph["outputs"][number][] = [];
  for (const [head, labels] of Object.entries({ phones, characters })) {
    if (labels === 0) continue;
    const projection = await matrix(`${head}_weight`, [width, labels], 3 / Math.sqrt(width));
    const bias = Float32Array.from({ length: labels }, (_, label) => (label === 0 ? 9 : label === 1 ? 3 : 0));
    const scores = add("MatMul", [even, projection], `${head}_scores`);
    const biased = constant(`${head}_bias`, { type: "float32", dims: [labels], data: bias });
    add("LogSoftmax", [add("Add", [scores, biased], `${head}_logits`)], head, { axis: -1 });
    outputs.push({ name: head, type: "float32", dims: ["batch", "frames", labels] });
  }
  outputs.push({ name: "frames", type: "int64", dims: ["batch"] });
  return {
    nodes,
    inputs: [
      { name: "audio", type: "float32", dims: ["batch", "samples"] },
      { name: "lengths", type: "int64", dims: ["batch"] },
    ],
    outputs,
    initializers,
  };
}

interface Weights {
  /** Mirrored: the second half of the numbers is the first with its sign changed. */
  tensor(name: string, dims: readonly number[], spread: number, mirrored: boolean): Promise<GraphTensor>;
  count(): number;
  close(): Promise<void>;
}

/** External data of normally distributed numbers; one block of them is used over and over, from another place each time. */
async function openWeights(path: string, seed: number): Promise<Weights> {
  const block = normals(1 << 20, seed);
  const file = await open(path, "w");
  let offset = 0;
  let total = 0;
  return {
    async tensor(name, dims, spread, mirrored) {
      const size = dims.reduce((product, dim) => product * dim, 1);
      const start = offset;
      const part = mirrored ? size / 2 : size;
      for (const sign of mirrored ? [spread, -spread] : [spread]) {
        for (let done = 0; done < part; ) {
          const from = ((total + done) * 7919) % (block.length / 2);
          const scaled = block.subarray(from, Math.min(block.length, from + part - done)).map((value) => value * sign);
          await file.write(new Uint8Array(scaled.buffer), 0, scaled.byteLength, offset);
          offset += scaled.byteLength;
          done += scaled.length;
        }
      }
      total += size;
      const length = offset - start;
      // Aligned so that ONNX Runtime can map the file into memory.
      offset = Math.ceil(offset / 4096) * 4096;
      return { name, type: "float32", dims, data: { file: basename(path), offset: start, length } };
    },
    count: () => total,
    async close() {
      await file.close();
    },
  };
}

function normals(count: number, seed: number): Float32Array {
  let state = seed >>> 0 || 1;
  const uniform = () => {
    // xorshift32: the numbers must only be the same twice.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  });
}
