/** The nats-server programs that this machine has: the one that a setting names, the one on PATH, and those in the cache. */
import { accessSync, constants, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { compareVersions, FLOOR, versionOf } from "./version.ts";

export interface FoundServer {
  binary: string;
  version: string;
  /** Where it was found, in words. */
  source: string;
}

export const programName = process.platform === "win32" ? "nats-server.exe" : "nats-server";

/** A usable program, or a sentence's part that says why this place has none. */
export type Looked = FoundServer | { reason: string };

export function isFound(looked: Looked): looked is FoundServer {
  return "binary" in looked;
}

export async function lookAt(binary: string, source: string): Promise<Looked> {
  try {
    const version = await versionOf(binary);
    return compareVersions(version, FLOOR) >= 0
      ? { binary, version, source }
      : { reason: `${source} is ${version}, older than ${FLOOR.replace(/\.0$/, "")}` };
  } catch (error) {
    return { reason: `${source} does not run: ${error instanceof Error ? error.message.split("\n")[0] : error}` };
  }
}

export async function lookOnPath(path: string | undefined): Promise<Looked> {
  const folder = (path ?? "").split(delimiter).find((part) => part !== "" && isExecutable(join(part, programName)));
  return folder === undefined ? { reason: "none on PATH" } : await lookAt(join(folder, programName), "the one on PATH");
}

/** Every usable program in the cache, newest first. It holds one folder per fetched version. */
export async function lookInCache(cacheDir: string): Promise<FoundServer[]> {
  let folders: string[];
  try {
    folders = readdirSync(cacheDir);
  } catch {
    return [];
  }
  const looked = await Promise.all(
    folders
      .map((folder) => join(cacheDir, folder, programName))
      .filter(isExecutable)
      .map((binary) => lookAt(binary, "the cache")),
  );
  return looked.filter(isFound).sort((left, right) => compareVersions(right.version, left.version));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
