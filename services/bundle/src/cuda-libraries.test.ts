import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { cudaLibraries, findLibraries, missingSentence, usualFolders } from "./cuda-libraries.ts";

let machine: string;
beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), "parlance-cuda-"));
});
afterEach(() => rmSync(machine, { recursive: true, force: true }));

function put(folder: string, ...libraries: string[]): string {
  const path = join(machine, folder);
  mkdirSync(path, { recursive: true });
  for (const library of libraries) writeFileSync(join(path, library), "");
  return path;
}

it("each library is taken from the first folder that has it, and the rest are named with what brings them", () => {
  const toolkit = put("cuda/lib64", "libcudart.so.13", "libcublas.so.13");
  const system = put("system", "libcudart.so.13", "libcuda.so.1");
  const found = findLibraries({ folders: [join(machine, "absent"), toolkit, system] });
  expect(found.folders).toEqual([system, toolkit]);
  expect(found.found.get("libcudart.so.13")).toBe(toolkit);
  expect(found.missing).toEqual(["libcublasLt.so.13", "libcurand.so.10", "libcudnn.so.9"]);
  expect(missingSentence(found)).toMatch(/3 of 6 .* libcublasLt\.so\.13, libcurand\.so\.10, libcudnn\.so\.9: CUDA 13/);
  expect(missingSentence(findLibraries({ folders: [put("all", ...cudaLibraries)] }))).toBeUndefined();
});

it("a Python environment's nvidia packages are among the usual folders, after those that were named", () => {
  const site = put("venv/lib/python3.12/site-packages/nvidia/cu13/lib", "libcudart.so.13");
  const named = put("named");
  const folders = usualFolders({ VIRTUAL_ENV: join(machine, "venv"), LD_LIBRARY_PATH: `${named}:` });
  expect(folders[0]).toBe(named);
  expect(folders).toContain(site);
});

it("the Python that a shell would start is looked into, in a hidden folder too", () => {
  const site = put("torch/.venv/lib/python3.12/site-packages/nvidia/cudnn/lib", "libcudnn.so.9");
  const programs = put("torch/.venv/bin", "python3");
  expect(usualFolders({ PATH: `/nowhere:${programs}` })).toContain(site);
  expect(usualFolders({ PATH: "/nowhere" })).not.toContain(site);
});
