/**
 * The small random models of the fixtures as folders: their weights are made again, their graphs unpacked. What takes long of that is
 * made once in a process and kept: tests write the same few folders over and over.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { ClipRule } from "./clips.ts";
import { randomTensor, type WeightRule } from "./random-weights.ts";
import { turned, type WeightForm, weightForms } from "./weight-forms.ts";

export const tinyModels = ["multilingual-80", "multilingual-128", "english-80"] as const;
export type TinyModel = (typeof tinyModels)[number];

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const unpack = promisify(gunzip);

export async function readFixture<T>(path: string): Promise<T> {
  return JSON.parse((await unpack(await readFile(join(fixtures, `${path}.json.gz`)))).toString()) as T;
}

/** What is made of a name, once. */
function keeping<Name extends string, Made>(make: (name: Name) => Promise<Made>): (name: Name) => Promise<Made> {
  const kept = new Map<Name, Promise<Made>>();
  return (name) => {
    const made = kept.get(name) ?? make(name);
    kept.set(name, made);
    return made;
  };
}

export const readClips = () => readFixture<Record<string, ClipRule>>("clips");

export interface Packed {
  /** Every so many numbers are kept. */
  step: number;
  largest: number;
  values: string;
}

export function unpacked({ values }: Packed): Float32Array {
  const bytes = Buffer.from(values, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

export interface GoldenDecoding {
  clip: string;
  language: string | null;
  timestamps: boolean;
  beam: number;
  context?: string;
  budget: number;
  tokens: number[];
  heard: string;
  text: string;
  logProbability: number;
  noSpeech: number;
  compressionRatio: number;
  task?: "translate";
  words?: [text: string, start: number, end: number, probability: number][];
  /** As its words leave them. */
  segments?: [start: number, end: number, tokens: number[]][];
}

export interface Golden {
  clips: Record<string, { features: Packed; states: Packed; languages?: Record<string, number> }>;
  decodings: GoldenDecoding[];
}

export const readGolden = keeping((model: TinyModel) => readFixture<Golden>(`${model}/golden`));

interface Source {
  source: string;
  transposed: boolean;
  /** Rows of the tensor that are taken. */
  rows: [number, number] | null;
  /** Where it is not the tensor's own numbers. */
  form?: WeightForm;
  offset: number;
}

interface Weights {
  rules: Record<string, WeightRule>;
  /** Tensors by file. */
  files: Record<string, Source[]>;
  specials: [string, number][];
}

/** With the tensors that have been made by then. */
const readWeights = keeping(async (model: TinyModel) => ({
  ...(await readFixture<Weights>(`${model}/weights`)),
  tensors: new Map<string, Float32Array>(),
}));

/** Short texts and no second attempts: random weights deserve neither. */
const hasty = { temperatures: [0], maxTokens: 64 };

/**
 * Writes the folder in Parlance's own layout. `change` goes to the manifest's section; `loop`: with the graph for CUDA; `bits`: with the graphs
 * whose weights have so many, which english-80 has; the encoder's have eight in either case.
 */
export async function writeTinyModel(
  folder: string,
  model: TinyModel,
  change: object = {},
  { loop = false, bits }: { loop?: boolean; bits?: 4 | 8 } = {},
): Promise<void> {
  const few = new Set(bits === undefined ? [] : ["encoder.int8", `decoder.int${bits}`]);
  const wanted = (role: string) => (role.includes(".int") ? few.has(role) : role !== "loop" || loop);
  await mkdir(folder, { recursive: true });
  for (const [file, sources] of Object.entries((await readWeights(model)).files)) {
    if (!wanted(file.replace(/\.bin$/, "").replace("_", "."))) continue;
    await writeFile(join(folder, file), await weightFile(model, file, sources));
    const graph = file.replace(/bin$/, "onnx");
    await writeFile(join(folder, graph), await unpack(await readFile(join(fixtures, model, `${graph}.gz`))));
  }
  const tokenizer = await tokenizerOf(model);
  await writeFile(join(folder, "tokenizer.json"), tokenizer);
  const manifest = JSON.parse(await readFile(join(fixtures, model, "manifest.json"), "utf8")) as {
    files: Record<string, object>;
    whisper: object;
  };
  for (const role of Object.keys(manifest.files)) {
    if (!wanted(role.replace(/\.data$/, ""))) delete manifest.files[role];
  }
  const sha256 = createHash("sha256").update(tokenizer).digest("hex");
  manifest.files.tokenizer = { path: "tokenizer.json", bytes: tokenizer.length, sha256 };
  manifest.whisper = { ...manifest.whisper, ...hasty, ...change };
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
}

export type PublishedKind = "split" | "merged" | "half";

/**
 * Writes the folder as optimum does: `split`, with three graphs that keep their cross attention to themselves, `merged`,
 * with two in `onnx/` that tell it, or `half`, with two in `onnx/` whose inputs and outputs are float16 too.
 */
export async function writePublishedModel(folder: string, kind: PublishedKind, maxTokens = 8): Promise<void> {
  const model = "multilingual-80";
  const { files } = await readFixture<Pick<Weights, "files">>(`${model}/${kind}/weights`);
  const graphs = kind === "split" ? folder : join(folder, "onnx");
  await mkdir(graphs, { recursive: true });
  for (const [file, sources] of Object.entries(files)) {
    const graph = file.replace(/_data$/, "");
    await writeFile(join(graphs, file), await weightFile(model, `${kind}/${file}`, sources));
    await writeFile(join(graphs, graph), await unpack(await readFile(join(fixtures, model, kind, `${graph}.gz`))));
  }
  await writeFile(join(folder, "tokenizer.json"), await tokenizerOf(model));
  const settings = async (file: string) =>
    JSON.parse(await readFile(join(fixtures, model, kind, file), "utf8")) as object;
  await writeFile(join(folder, "config.json"), JSON.stringify(await settings("config.json")));
  const generation = { ...(await settings("generation_config.json")), max_new_tokens: maxTokens };
  await writeFile(join(folder, "generation_config.json"), JSON.stringify(generation));
}

/** By model and name. */
const weightFiles = new Map<string, Buffer>();

async function weightFile(model: TinyModel, name: string, sources: readonly Source[]): Promise<Buffer> {
  const made = weightFiles.get(`${model}/${name}`) ?? makeWeightFile(sources, await readWeights(model));
  weightFiles.set(`${model}/${name}`, made);
  return made;
}

function makeWeightFile(sources: readonly Source[], { rules, tensors }: Awaited<ReturnType<typeof readWeights>>) {
  const parts = sources.map(({ source, transposed, rows, form, offset }) => {
    const rule = rules[source];
    if (rule === undefined) throw new RangeError(`the fixture has no rule for ${source}`);
    const values = tensors.get(source) ?? randomTensor(rule);
    tensors.set(source, values);
    const [height = 1] = rule.shape;
    const width = values.length / height;
    const [from, to] = rows ?? [0, height];
    const taken = values.subarray(from * width, to * width);
    const formed = form === undefined ? taken : weightForms[form](taken, to - from);
    return { offset, values: transposed ? turned(formed, to - from, width) : formed };
  });
  const file = Buffer.alloc(Math.max(...parts.map(({ offset, values }) => offset + values.byteLength)));
  for (const { offset, values } of parts)
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
  return file;
}

export async function writeTokenizer(path: string, model: TinyModel): Promise<void> {
  await writeFile(path, await tokenizerOf(model));
}

const tokenizerOf = keeping(async (model: TinyModel) => {
  const { specials } = await readWeights(model);
  return Buffer.from(JSON.stringify(await tokenizerJson(model, specials)));
});

async function tokenizerJson(model: TinyModel, specials: readonly [string, number][]): Promise<object> {
  const kind = model.startsWith("english") ? "english" : "multilingual";
  const { words, merges } = await readFixture<{ words: string[]; merges: string[] }>(`vocabulary-${kind}`);
  const level = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    added_tokens: specials.map(([content, id]) => ({ id, content, special: true, normalized: false })),
    normalizer: null,
    pre_tokenizer: level,
    post_processor: null,
    decoder: level,
    model: { type: "BPE", vocab: Object.fromEntries(words.map((word, id) => [word, id])), merges },
  };
}
