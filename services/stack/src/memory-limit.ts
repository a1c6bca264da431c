/**
 * How much memory this process may use: the machine's, or less where a control group says so. On Linux a group's limit holds for all
 * below it, so every group from this process's own to the topmost one in sight is read, in both versions of the interface.
 */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { posix } from "node:path";

/** @param read a file's text; undefined when there is none. Default: of this machine. */
export function memoryLimit(machineBytes: number = totalmem(), read: ReadFile = readIfThere): number {
  const limits = limitFiles(read("/proc/self/cgroup") ?? "").map((file) => Number(read(file)?.trim()));
  // A group without a limit says "max", or a number beyond any machine's.
  return Math.min(machineBytes, ...limits.filter((bytes) => bytes > 0));
}

export type ReadFile = (path: string) => string | undefined;

/** `0::/path` in version 2, `5:memory:/path` in version 1. */
function limitFiles(groups: string): string[] {
  return groups.split("\n").flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === "") return upwards(path).map((each) => `/sys/fs/cgroup${each}/memory.max`);
    if (!controllers.split(",").includes("memory")) return [];
    return upwards(path).map((each) => `/sys/fs/cgroup/memory${each}/memory.limit_in_bytes`);
  });
}

/** `/a/b` as `/a/b`, `/a` and the root, which is written as nothing. */
function upwards(path: string): string[] {
  const own = posix.normalize(path).replace(/\/$/, "");
  return own === "" ? [""] : [own, ...upwards(posix.dirname(own))];
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
