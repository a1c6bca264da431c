/**
 * Writes a model of true size with random weights as a folder in the project's own layout: manifest with checksums, graphs, weights,
 * tokenizer. Nothing is downloaded and no Python runs; the same shape gives the same bytes everywhere.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createNumbers } from "./random-numbers.ts";
import { type NumberKind, readShape, type Shape, type ShapeTensor, unpacked } from "./shape.ts";

export interface WriteModelOptions {
  /** Of the shape. */
  shape: string;
  /** Where the model goes; made when it is not there. */
  folder: string;
  formats: readonly NumberKind[];
  /** Put into the manifest's section, which has the architecture's name. */
  section?: object;
}

export interface WrittenModel {
  name: string;
  architecture: string;
  bytes: number;
}

interface ManifestFile {
  path: string;
  bytes: number;
  sha256: string;
}

/** Numbers that are made at a time. */
const CHUNK = 1 << 20;

export async function writeModel({
  shape: from,
  folder,
  formats,
  section = {},
}: WriteModelOptions): Promise<WrittenModel> {
  await mkdir(folder, { recursive: true });
  const shape = await readShape(from);
  const { manifest, graphs, weights, tables } = shape;
  for (const format of formats) {
    if (!Object.keys(graphs).some((role) => formatOf(role) === format)) {
      throw new RangeError(`${manifest.name}: the shape has no graph in ${format}`);
    }
  }
  const files: Record<string, ManifestFile> = {};
  for (const [role, { path, data }] of Object.entries(graphs)) {
    if (!formats.includes(formatOf(role))) continue;
    files[role] = await whole(folder, path, await unpacked(join(from, path)));
    const roleOfData = dataRole(shape, data);
    files[roleOfData] ??= weightFile(folder, data, weights[data] ?? [], shape);
  }
  for (const [role, path] of Object.entries(tables)) files[role] = weightFile(folder, path, weights[path] ?? [], shape);
  files.tokenizer = await whole(folder, "tokenizer.json", Buffer.from(JSON.stringify(tokenizerOf(shape))));
  const { architecture } = manifest;
  const sized = { ...manifest, files, [architecture]: { ...objectOf(manifest[architecture]), ...section } };
  await writeFile(join(folder, "manifest.json"), JSON.stringify(sized));
  return {
    name: manifest.name,
    architecture,
    bytes: Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** The plain role is in float32. */
function formatOf(role: string): NumberKind {
  return role.endsWith(".float16") ? "float16" : role.endsWith(".int8") ? "int8" : "float32";
}

/** A file of one graph belongs to it; one that several share has a name of its own. */
function dataRole({ graphs }: Shape, data: string): string {
  const readers = Object.entries(graphs).filter(([, graph]) => graph.data === data);
  return readers.length === 1 ? `${readers[0]?.[0]}.data` : data.replace(/\.bin$/, "");
}

function tokenizerOf({ tokenizer: { json, words } }: Shape): object {
  const vocab = { ...json.model.vocab };
  const taken = new Set(Object.values(vocab));
  // A letter that stands for a space begins a word.
  for (let id = words[0]; id < words[1]; id++) if (!taken.has(id)) vocab[`Ġw${id}`] = id;
  return { ...json, model: { ...json.model, vocab } };
}

async function whole(folder: string, path: string, bytes: Buffer): Promise<ManifestFile> {
  await writeFile(join(folder, path), bytes);
  return { path, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function weightFile(folder: string, path: string, tensors: readonly ShapeTensor[], { rules }: Shape): ManifestFile {
  const hash = createHash("sha256");
  const file = openSync(join(folder, path), "w");
  let written = 0;
  const put = (bytes: Uint8Array) => {
    for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from);
    hash.update(bytes);
    written += bytes.length;
  };
  try {
    for (const { source, kind, dims, offset, first } of tensors.toSorted((a, b) => a.offset - b.offset)) {
      const rule = rules[source];
      if (rule === undefined) throw new RangeError(`${path}: the shape has no rule for ${source}`);
      put(new Uint8Array(offset - written));
      const numbers = createNumbers(kind, rule);
      const size = dims.reduce((product, side) => product * side, 1);
      for (let from = 0; from < size; from += CHUNK) {
        const chunk = numbers.make(Math.min(CHUNK, size - from));
        numbers.fill(chunk, first + from);
        put(new Uint8Array(chunk.buffer));
      }
    }
  } finally {
    closeSync(file);
  }
  return { path, bytes: written, sha256: hash.digest("hex") };
}

function objectOf(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
