/**
 * Where a machine has the CUDA libraries that ONNX Runtime's CUDA provider opens: they come with the driver, a toolkit, a container
 * image, or as Python packages, and only the first of these tells the loader.
 */
import { existsSync, globSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Of the provider of ONNX Runtime 1.27 and later: what it links to, and cuDNN, which it opens when it runs. */
export const cudaLibraries = [
  "libcuda.so.1",
  "libcudart.so.13",
  "libcublas.so.13",
  "libcublasLt.so.13",
  "libcurand.so.10",
  "libcudnn.so.9",
] as const;

export interface FoundLibraries {
  /** For LD_LIBRARY_PATH, in order. */
  folders: string[];
  /** Library → the folder it lies in. */
  found: Map<string, string>;
  missing: string[];
}

export interface LibrarySearch {
  /** Folders in which to look, the first that has a library counts. */
  folders: readonly string[];
  libraries?: readonly string[];
}

export function findLibraries({ folders, libraries = cudaLibraries }: LibrarySearch): FoundLibraries {
  const found = new Map<string, string>();
  for (const library of libraries) {
    const folder = folders.find((each) => existsSync(join(each, library)));
    if (folder !== undefined) found.set(library, folder);
  }
  return {
    folders: [...new Set(found.values())],
    found,
    missing: libraries.filter((library) => !found.has(library)),
  };
}

const toolkits = ["/usr/local/cuda-13*", "/usr/local/cuda", "/opt/cuda-13*", "/opt/cuda"];
const systems = [
  `/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`,
  "/usr/lib64",
  "/usr/lib",
  "/usr/lib/wsl/lib",
  "/usr/local/nvidia/lib64",
  "/run/opengl-driver/lib",
];
const pythons = ["/usr/lib", "/usr/local/lib", "/opt/*/lib", "/opt/*/*/lib", "/root/.pyenv/versions/*/lib"];

/** The folders in which CUDA usually lies here: named ones, toolkits, the system's, and those of Python's packages. */
export function usualFolders(environment: NodeJS.ProcessEnv = process.env): string[] {
  const named = (environment.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder !== "");
  const toolkitHomes = [environment.CUDA_HOME, environment.CUDA_PATH].filter((home) => home !== undefined);
  const ofToolkits = [...toolkitHomes, ...toolkits.flatMap((pattern) => globSync(pattern).sort().reverse())].flatMap(
    (home) =>
      ["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"].map((folder) => join(home, folder)),
  );
  // A Python that a shell would start, wherever it lies: images put it into hidden folders, which patterns pass by.
  const started = (environment.PATH ?? "").split(":").filter((folder) => existsSync(join(folder, "python3")));
  const prefixes = [environment.VIRTUAL_ENV, environment.CONDA_PREFIX, ...started.map((folder) => dirname(folder))];
  const own = [...new Set(prefixes.filter((prefix) => prefix !== undefined))];
  const ofPrefixes = own.map((prefix) => join(prefix, "lib"));
  const packages = [...ofPrefixes, join(homedir(), ".local/lib"), ...pythons].flatMap((folder) =>
    globSync(`${folder}/python3*/{site,dist}-packages/nvidia/*/lib`),
  );
  return [...named, ...ofToolkits, ...systems, ...ofPrefixes, ...packages];
}

/** Undefined when nothing is missing; otherwise one sentence that names each file and what brings it. */
export function missingSentence({ missing }: FoundLibraries): string | undefined {
  if (missing.length === 0) return undefined;
  const driver = missing.includes("libcuda.so.1") ? " libcuda.so.1 comes with the NVIDIA driver (580 or newer)." : "";
  const others = missing.filter((library) => library !== "libcuda.so.1");
  const rest =
    others.length === 0
      ? ""
      : ` ${others.join(", ")}: CUDA 13 and cuDNN 9, of a toolkit or of Python's nvidia packages; name their folders by LD_LIBRARY_PATH.`;
  return `CUDA cannot be used: ${missing.length} of ${cudaLibraries.length} libraries are missing.${driver}${rest}`;
}
