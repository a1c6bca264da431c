/** What is here: the device and its driver, the libraries that the provider opens, and what runs. */
import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { detectCuda } from "@parlance/inference/cuda";
import { commitOf } from "../../../services/bundle/src/build-commit.ts";
import { findLibraries, usualFolders } from "../../../services/bundle/src/cuda-libraries.ts";
import type { Order, Tell } from "../order.ts";
import { hasProvider, runtimeFolder, runtimePackage } from "../programs.ts";

const run = promisify(execFile);
const QUERY_LIMIT_MS = 15_000;

export async function facts({ device }: Order, tell: Tell): Promise<void> {
  const { version } = JSON.parse(readFileSync(runtimePackage, "utf8")) as { version: string };
  const [library] = globSync("libonnxruntime.so*", { cwd: runtimeFolder });
  tell({
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / 1e6),
    node: process.versions.node,
    onnxruntime: version,
    onnxruntime_commit: library === undefined ? "unknown" : commitOf(join(runtimeFolder, library)),
    cuda_provider: hasProvider,
  });
  if (device === "cpu") return;
  const { found, missing } = findLibraries({ folders: usualFolders() });
  tell({
    libraries: Object.fromEntries(found),
    libraries_missing: missing,
    library_path: process.env.LD_LIBRARY_PATH ?? "",
  });
  tell({ devices: globSync("/dev/nvidia*") });
  tell({ cuda: await detectCuda() });
  tell({ gpus: await gpuFacts() });
}

const fields = [
  "name",
  "driver_version",
  "memory.total",
  "memory.used",
  "compute_cap",
  "clocks.max.sm",
  "mig.mode.current",
] as const;

/** One line for each GPU as nvidia-smi has it, or why there is none. */
async function gpuFacts(): Promise<Record<string, string>[] | string> {
  try {
    const { stdout } = await run("nvidia-smi", [`--query-gpu=${fields.join(",")}`, "--format=csv,noheader"], {
      timeout: QUERY_LIMIT_MS,
    });
    return stdout
      .trim()
      .split("\n")
      .map((line) => {
        const values = line.split(", ");
        return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? ""]));
      });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
