/**
 * A `ctc` model that hears exactly what a test wants it to hear: the level of each 20 ms frame is the number of the label
 * that it says. The first half of a frame is for the phone head, the second for the character head.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CtcManifestOptions, writeCtcManifest } from "./ctc-manifest.ts";
import { encodeModel, type GraphNode, type GraphTensor, type GraphValue } from "./onnx-writer.ts";

export interface EchoCtcModelOptions extends Pick<CtcManifestOptions, "folder" | "phones" | "characters" | "decoding"> {
  name?: string;
  /** `word phone phone` lines. */
  lexicon?: string;
  /** ARPA. */
  languageModel?: string;
  /** Writes a graph for windows too, which takes each of these two phones for the other. Default: there is none. */
  quick?: { mistakes: readonly [phone: string, other: string] };
}

const HOP = 320;
/** Samples are label * STEP: a label is STEP / 32768 in the graph. */
const STEP = 64;

export async function writeEchoCtcModel(options: EchoCtcModelOptions): Promise<void> {
  const { folder, phones, characters, name = "echo", decoding, quick } = options;
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "model.onnx"),
    encodeEcho({ phones: [...phones.keys()], characters: [...characters.keys()] }),
  );
  if (quick !== undefined) {
    const [one = 0, other = 0] = quick.mistakes.map((phone) => phones.indexOf(phone));
    const heard = [...phones.keys()].map((label) => (label === one ? other : label === other ? one : label));
    await writeFile(join(folder, "quick.onnx"), encodeEcho({ phones: heard, characters: [...characters.keys()] }));
  }

  const write = async (file: string, text: string | undefined) => {
    if (text === undefined) return undefined;
    await writeFile(join(folder, file), text);
    return join(folder, file);
  };
  await writeCtcManifest({
    folder,
    name,
    description: "Hears the levels of its input: for tests.",
    frameSeconds: HOP / 16_000,
    phones,
    characters,
    decoding,
    lexicon: await write("lexicon.txt", options.lexicon),
    languageModel: await write("lm.arpa", options.languageModel),
  });
}

/** For each label of a head the level at which it is heard. */
function encodeEcho(levels: { phones: readonly number[]; characters: readonly number[] }): Uint8Array {
  const nodes: GraphNode[] = [];
  const initializers: GraphTensor[] = [];
  const outputs: GraphValue[] = [];
  const floats = (tensor: string, dims: number[], data: Float32Array) => {
    initializers.push({ name: tensor, type: "float32", dims, data });
    return tensor;
  };
  const integers = (tensor: string, value: number) => {
    initializers.push({ name: tensor, type: "int64", dims: [1], data: BigInt64Array.of(BigInt(value)) });
    return tensor;
  };
  const add = (op: string, inputs: string[], output: string, attributes: GraphNode["attributes"] = {}) => {
    nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  };

  const channel = add("Unsqueeze", ["audio", integers("one", 1)], "channel");
  for (const [half, labels] of [levels.phones, levels.characters].entries()) {
    if (labels.length === 0) continue;
    const head = half === 0 ? "phones" : "characters";
    const kernel = Float32Array.from({ length: HOP }, (_, n) =>
      Math.floor((2 * n) / HOP) === half ? 65_536 / STEP / HOP : 0,
    );
    const mean = floats(`${head}_kernel`, [1, 1, HOP], kernel);
    const attributes = { kernel_shape: [HOP], strides: [HOP], pads: [0, HOP - 1] };
    const level = add("Transpose", [add("Conv", [channel, mean], `${head}_level`, attributes)], `${head}_said`, {
      perm: [0, 2, 1],
    });
    const numbers = floats(`${head}_numbers`, [labels.length], Float32Array.from(labels));
    const distance = add("Sub", [level, numbers], `${head}_distance`);
    const square = add("Mul", [distance, distance], `${head}_square`);
    const scores = add("Mul", [square, floats(`${head}_sharpness`, [1], Float32Array.of(-6))], `${head}_scores`);
    outputs.push({
      name: add("LogSoftmax", [scores], head, { axis: -1 }),
      type: "float32",
      dims: ["batch", "frames", labels.length],
    });
  }
  add("Div", [add("Add", ["lengths", integers("hop_less_one", HOP - 1)], "padded"), integers("hop", HOP)], "frames");
  outputs.push({ name: "frames", type: "int64", dims: ["batch"] });
  return encodeModel({
    nodes,
    initializers,
    outputs,
    inputs: [
      { name: "audio", type: "float32", dims: ["batch", "samples"] },
      { name: "lengths", type: "int64", dims: ["batch"] },
    ],
  });
}

/** Audio in which the echo model hears these labels, one for each frame of 20 ms; 0 is blank. */
export function echoSamples(phones: readonly number[], characters: readonly number[] = []): Int16Array {
  const samples = new Int16Array(Math.max(phones.length, characters.length) * HOP);
  for (let frame = 0; frame * HOP < samples.length; frame++) {
    samples.fill((phones[frame] ?? 0) * STEP, frame * HOP, frame * HOP + HOP / 2);
    samples.fill((characters[frame] ?? 0) * STEP, frame * HOP + HOP / 2, (frame + 1) * HOP);
  }
  return samples;
}
