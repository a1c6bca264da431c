/** Manifests for `ctc` graphs that tests and benches write, with the tensor names of the embedded model. */
import { createHash } from "node:crypto";
import { access, copyFile, open, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Manifest } from "@parlance/contracts";

export interface CtcManifestOptions {
  /** Holds `model.onnx`, where weights are external `model.bin`, and `quick.onnx` where windows have a graph of their own. */
  folder: string;
  name: string;
  description: string;
  frameSeconds: number;
  phones: readonly string[];
  characters: readonly string[];
  /** Files to decode with, copied into the folder. */
  lexicon?: string | undefined;
  languageModel?: string | undefined;
  /** More of the manifest's `ctc.decoding`. */
  decoding?: Readonly<Record<string, number>> | undefined;
}

export async function writeCtcManifest(options: CtcManifestOptions): Promise<void> {
  const { folder, name, description, frameSeconds, phones, characters } = options;
  const files: Manifest["files"] = { graph: await describeFile(join(folder, "model.onnx")) };
  for (const [role, file] of [
    ["graph.data", "model.bin"],
    ["quick", "quick.onnx"],
  ] as const) {
    const path = join(folder, file);
    if (await exists(path)) files[role] = await describeFile(path);
  }
  for (const role of ["lexicon", "languageModel"] as const) {
    const source = options[role];
    if (source === undefined) continue;
    const copy = join(folder, basename(source));
    if (copy !== source) await copyFile(source, copy);
    files[role] = await describeFile(copy);
  }
  const manifest: Manifest = {
    name,
    version: "0.0.0",
    family: "asr",
    architecture: "ctc",
    description,
    license: "MIT",
    source: "written for a test or a bench",
    languages: ["English"],
    sampleRate: 16_000,
    files,
    limits: { maxSegmentSeconds: 40, maxBatchSize: 32 },
    ctc: {
      input: "waveform",
      tensors: {
        audio: "audio",
        lengths: "lengths",
        frames: "frames",
        ...(phones.length > 0 ? { phones: "phones" } : {}),
        ...(characters.length > 0 ? { characters: "characters" } : {}),
      },
      frameSeconds,
      ...(phones.length > 0 ? { phones } : {}),
      ...(characters.length > 0 ? { characters } : {}),
      decoding: { beamSize: 24, languageModelWeight: 0.5, wordBonus: 1, ...options.decoding },
    },
  };
  await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest, null, 2));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function describeFile(path: string): Promise<Manifest["files"][string]> {
  const hash = createHash("sha256");
  const { size } = await stat(path);
  const file = await open(path, "r");
  for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20 })) hash.update(chunk);
  return { path: basename(path), bytes: size, sha256: hash.digest("hex") };
}
