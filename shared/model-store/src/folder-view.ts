/** A folder as a recogniser sees it: on disk, or as a hub lists it. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SpeechError } from "@parlance/contracts";
import type { FolderView } from "./layouts/types.ts";

/** The folder and its direct subfolders; links are followed, hidden files are left out. Undefined when there is no such folder. */
export async function viewFolder(folder: string): Promise<FolderView | undefined> {
  const names = await namesIn(folder);
  if (names === undefined) return undefined;
  const files = new Set<string>();
  for (const name of names) {
    const below = await namesIn(join(folder, name));
    if (below === undefined) files.add(name);
    else for (const inner of below) files.add(`${name}/${inner}`);
  }
  return { files, readJson: async (path) => parse(path, await readFile(join(folder, path), "utf8")) };
}

/** @param read the text of one of the files */
export function viewListing(files: Iterable<string>, read: (path: string) => Promise<string>): FolderView {
  const near = [...files].filter((path) => path.split("/").length <= 2 && !path.startsWith("."));
  return { files: new Set(near), readJson: async (path) => parse(path, await read(path)) };
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SpeechError("validation_failed", `${path} is not valid JSON`, { cause, param: "MODEL_ID" });
  }
}

/** Undefined when it is no folder. */
async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith("."));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new SpeechError("validation_failed", `${folder} cannot be read`, { cause: error, param: "MODEL_ID" });
  }
}
