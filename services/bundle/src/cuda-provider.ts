/**
 * ONNX Runtime's CUDA provider for a bundle, of the same version as its runtime: from a folder or an archive that is given, from NuGet
 * as onnxruntime-node's own installer takes it, or out of the Python package `onnxruntime-gpu`.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import AdmZip from "adm-zip";
import { commitOf } from "./build-commit.ts";

export const providerFiles = ["libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so"] as const;

export interface ProviderOptions {
  /** A folder, a .whl or .nupkg file, `nuget`, `pypi`, or `auto`: NuGet, then PyPI. */
  from: string;
  /** The installed onnxruntime-node. */
  runtime: { folder: string; version: string };
  /** Where the two files go. */
  to: string;
  say: (text: string) => void;
}

/** Throws with what was tried when the provider is nowhere to be had, or is of another version than the runtime. */
export function addCudaProvider({ from, runtime, to, say }: ProviderOptions): void {
  const work = mkdtempSync(join(tmpdir(), "parlance-cuda-"));
  try {
    const folder = obtain(from, runtime, work, say);
    for (const file of providerFiles) {
      if (!existsSync(join(folder, file))) throw new Error(`--cuda-from ${from}: there is no ${file}`);
    }
    requireSameBuild(folder, runtime, to, from);
    mkdirSync(to, { recursive: true });
    for (const file of providerFiles) copyFileSync(join(folder, file), join(to, file));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function obtain(from: string, runtime: ProviderOptions["runtime"], work: string, say: (text: string) => void): string {
  if (from === "nuget") return fromNuget(runtime, work);
  if (from === "pypi") return fromPypi(runtime, work);
  if (from === "auto") {
    try {
      return fromNuget(runtime, join(work, "nuget"));
    } catch (error) {
      say(`not from NuGet: ${error instanceof Error ? error.message : error}; trying PyPI`);
      return fromPypi(runtime, work);
    }
  }
  if (!existsSync(from)) throw new Error(`--cuda-from ${from}: there is no such folder or file`);
  if (statSync(from).isFile()) return unpack(from, work);
  const [provider] = globSync(`**/${providerFiles[0]}`, { cwd: from });
  return provider === undefined ? from : join(from, provider, "..");
}

/** The installer writes beside the runtime: it gets a copy, so that the workspace's own stays as it was installed. */
function fromNuget({ folder }: ProviderOptions["runtime"], work: string): string {
  const copy = join(work, "node_modules/onnxruntime-node");
  cpSync(folder, copy, { recursive: true, dereference: true });
  const modules = join(folder, "..");
  const installed = spawnSync(process.execPath, [join(copy, "script/install.js")], {
    cwd: copy,
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "cuda12", NODE_PATH: modules },
    encoding: "utf8",
  });
  const found = join(copy, "bin/napi-v6", process.platform, process.arch);
  if (installed.status !== 0 || !existsSync(join(found, providerFiles[0]))) {
    throw new Error(`its installer ended with ${installed.status}: ${reasonIn(installed.stderr)}`);
  }
  return found;
}

function fromPypi({ version }: ProviderOptions["runtime"], work: string): string {
  mkdirSync(work, { recursive: true });
  const python = process.env.PYTHON ?? "python3";
  // A wheel of any Python will do: of the package nothing but two libraries is used.
  const options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--dest", work];
  const pip = spawnSync(python, ["-m", "pip", "download", "--quiet", ...options, `onnxruntime-gpu==${version}`], {
    encoding: "utf8",
  });
  const [wheel] = globSync("onnxruntime_gpu-*.whl", { cwd: work });
  if (pip.status !== 0 || wheel === undefined) {
    throw new Error(
      `onnxruntime-gpu ${version} could not be downloaded by ${python} -m pip: ${lastLine(pip.stderr ?? "")}`,
    );
  }
  return unpack(join(work, wheel), work);
}

/** Wheels and NuGet packages are zip files. */
function unpack(file: string, work: string): string {
  const zip = new AdmZip(file);
  const to = join(work, "unpacked");
  mkdirSync(to, { recursive: true });
  for (const entry of zip.getEntries()) {
    const name = basename(entry.entryName);
    const wanted = /^libonnxruntime(_providers_(cuda|shared))?\.so(\.\d+)*$/.test(name);
    if (wanted && !entry.isDirectory) writeFileSync(join(to, name), entry.getData());
  }
  return to;
}

/** Provider and runtime share structures in memory: another build is another layout, and a crash. */
function requireSameBuild(
  folder: string,
  { version }: ProviderOptions["runtime"],
  runtimeFolder: string,
  from: string,
): void {
  const [theirs] = globSync("libonnxruntime.so*", { cwd: folder });
  const [ours] = globSync("libonnxruntime.so*", { cwd: runtimeFolder });
  if (theirs !== undefined && ours !== undefined) {
    const [their, our] = [commitOf(join(folder, theirs)), commitOf(join(runtimeFolder, ours))];
    if (their === our) return;
    throw new Error(`--cuda-from ${from}: it was built from commit ${their}, the bundled runtime from ${our}`);
  }
  if (readFileSync(join(folder, providerFiles[0])).includes(version)) return;
  throw new Error(`--cuda-from ${from}: its provider does not name version ${version}, which is the bundled runtime's`);
}

/** Of a program of Node's that died of an error, whose last line is Node's version. */
function reasonIn(text: string): string {
  return /^\w*Error: (.*)$/m.exec(text)?.[1] ?? lastLine(text);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
