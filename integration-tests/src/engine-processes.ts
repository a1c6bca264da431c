/** Engines by the process table, not by anyone's own word: on one device there may never be two. */
import { readdirSync, readFileSync } from "node:fs";

export interface EngineProcess {
  pid: number;
  parent: number;
  /** The worker service whose engine this is: one family each. */
  worker: string;
}

/** Engine processes that are descendants of `root`. Reads /proc: Linux only. */
export function engineProcesses(root: number): EngineProcess[] {
  const parents = new Map<number, number>();
  const engines: EngineProcess[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const pid = Number(entry);
    try {
      // `pid (name) state parent …`; a name may hold spaces and brackets, so count from its last bracket.
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      if (state === "Z" || state === "X") continue;
      parents.set(pid, Number(parent));
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      const worker = command.match(/services\/([a-z]+-worker)\/(?:src|dist)\/engine\.(?:ts|js)/)?.[1];
      if (worker !== undefined) engines.push({ pid, parent: Number(parent), worker });
    } catch {
      // The process ended while it was read.
    }
  }
  return engines.filter(({ pid }) => descends(pid, root, parents));
}

function descends(pid: number, root: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) if (at === root) return true;
  return false;
}

/** Process ids of `root` and everything below it. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const [state, parent] = readFileSync(`/proc/${entry}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      if (state !== "Z" && state !== "X") parents.set(Number(entry), Number(parent));
    } catch {
      // The process ended while it was read.
    }
  }
  return [...parents.keys()].filter((pid) => descends(pid, root, parents));
}

/** In MB of 10^6 bytes. */
export interface Memory {
  /** VmRSS: all pages that are in memory and mapped, shared ones included. */
  resident: number;
  /** RssAnon: those that are the process's alone. */
  own: number;
}

/** Undefined when the process is gone. */
export function memoryOf(pid: number): Memory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const megabytes = (field: string) =>
      (Number(status.match(new RegExp(`${field}:\\s+(\\d+) kB`))?.[1]) * 1_024) / 1e6;
    return { resident: megabytes("VmRSS"), own: megabytes("RssAnon") };
  } catch {
    return undefined;
  }
}
