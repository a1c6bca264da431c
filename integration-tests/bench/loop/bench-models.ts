/** What `bench:loop` decodes with: models of true size that the recipe makes, or the small ones of the tests. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { writeSmallModel } from "@parlance/asr/testing";

export type Format = "float32" | "float16";
export type Way = "loop" | "step" | "c-api";

export interface BenchModel {
  name: string;
  architecture: "qwen3-asr" | "whisper";
  folder: string;
  formats: readonly Format[];
  ways: readonly Way[];
}

const at = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
export const work = at(".parlance/bench-loop");
const ways: Record<BenchModel["architecture"], readonly Way[]> = {
  "qwen3-asr": ["loop", "step", "c-api"],
  whisper: ["loop", "step"],
};

export const trueSizes = ["qwen3-asr-0.6b", "whisper-small"];
export const smallSizes = ["small qwen3-asr", "small whisper"];

/** Makes what is missing; exits when the recipe cannot. */
export async function prepareModels(names: readonly string[]): Promise<BenchModel[]> {
  await mkdir(work, { recursive: true });
  const large = names.filter((name) => !smallSizes.includes(name));
  if (large.length > 0) {
    const make = spawnSync(at("models/recipes/bench-loop/make"), [work, at(".parlance/bench-engines"), ...large], {
      stdio: "inherit",
    });
    if (make.status !== 0) process.exit(make.status ?? 1);
  }
  const models: BenchModel[] = [];
  for (const name of names) {
    const architecture = name.includes("qwen3-asr") ? "qwen3-asr" : "whisper";
    const small = smallSizes.includes(name);
    const folder = small ? `${work}/${name.replace(" ", "-")}` : `${work}/models/${name}`;
    if (small) {
      await rm(folder, { recursive: true, force: true });
      await writeSmallModel(architecture, folder);
    } else if (!existsSync(`${folder}/manifest.json`)) throw new Error(`the recipe has not made ${folder}`);
    const formats: readonly Format[] = small ? ["float32"] : ["float32", "float16"];
    models.push({ name, architecture, folder, formats, ways: ways[architecture] });
  }
  return models;
}
