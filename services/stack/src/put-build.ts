/**
 * Puts a build where services run from, also while they run. What a running service loads late, it finds: the files of earlier
 * builds, whose names tell their content, stay for as long as one may run on. What starts meanwhile finds a whole build,
 * the former or the new one: each file appears at once, and the programs after all that they load.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

export interface BuiltFile {
  /** Of which the last part is its name in the folder. */
  path: string;
  contents: Uint8Array;
}

export interface PutBuildOptions {
  files: readonly BuiltFile[];
  /** Names without ending of those files that are started, and keep their names from build to build. */
  programs: readonly string[];
  now?: number;
}

const KEPT_MS = 30 * 24 * 60 * 60 * 1_000;

export function putBuild(folder: string, { files, programs, now = Date.now() }: PutBuildOptions): void {
  mkdirSync(folder, { recursive: true });
  const isProgram = ({ path }: BuiltFile) => programs.some((name) => basename(path).startsWith(`${name}.`));
  for (const file of [...files].sort((a, b) => Number(isProgram(a)) - Number(isProgram(b)))) {
    const path = join(folder, basename(file.path));
    const unfinished = `${path}.${process.pid}.new`;
    writeFileSync(unfinished, file.contents);
    renameSync(unfinished, path);
  }
  const current = new Set(files.map(({ path }) => basename(path)));
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    // What another build has just put in place has gone from under its unfinished name.
    const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now;
    if (!current.has(name) && now - made > KEPT_MS) rmSync(path, { force: true });
  }
}
