/** Engines by the process table, not by anyone's own word: on one device there may never be two. */
import { readdirSync, readFileSync } from "node:fs";

export interface EngineProcess {
  pid: number;
  /** 1 or another's when its supervisor is gone. */
  parent: number;
  /** The worker service whose engine this is: one family each. */
  worker: string;
}

interface ProcessEntry {
  pid: number;
  parent: number;
}

/** Every process that runs; zombies are none. */
function processes(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // `pid (name) state parent …`; a name may hold spaces and brackets, so count from its last bracket.
      const [state, parent] = readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      if (state !== "Z" && state !== "X") entries.push({ pid: Number(name), parent: Number(parent) });
    } catch {
      // The process ended while it was read.
    }
  }
  return entries;
}

/** Empty when the process is gone. */
function textOf(pid: number, file: "cmdline" | "environ" | "stat" | "status" | "smaps_rollup"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** `root` and everything below it. */
function below(root: number): ProcessEntry[] {
  const all = processes();
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  return all.filter(({ pid }) => descends(pid, root, parents));
}

export const processTree = (root: number): number[] => below(root).map(({ pid }) => pid);

/**
 * Engine processes of the pipeline, also those whose supervisors are dead: they are known by the state folder in their
 * environment, since whose child they are says nothing any more. Reads /proc: Linux only.
 */
export function engineProcesses({ stateDir }: { stateDir: string }): EngineProcess[] {
  return processes().flatMap(({ pid, parent }) => {
    const worker = textOf(pid, "cmdline").match(/services\/([a-z]+-worker)\/(?:src|dist)\/engine\.(?:ts|js)/)?.[1];
    if (worker === undefined) return [];
    return textOf(pid, "environ").split("\0").includes(`STATE_DIR=${stateDir}`) ? [{ pid, parent, worker }] : [];
  });
}

/** Whether the process, on its way out, may still have memory: its first thread has let go of it, and its last one has not. */
export function isEnding(pid: number): boolean {
  return Number(textOf(pid, "stat").split(") ").at(-1)?.split(" ")[17] ?? 0) > 1;
}

function descends(pid: number, root: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) if (at === root) return true;
  return false;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
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
  const resident = megabytesIn(pid, "status", "VmRSS");
  const own = megabytesIn(pid, "status", "RssAnon");
  return resident === undefined || own === undefined ? undefined : { resident, own };
}

/**
 * Pss, in MB of 10^6 bytes: a page that several processes have mapped counts in each of them by its share. Undefined when the process
 * is gone. The kernel looks at every page for it, and holds up a process whose memory is large: nothing to ask often.
 */
export function proportionalOf(pid: number): number | undefined {
  return megabytesIn(pid, "smaps_rollup", "Pss");
}

function megabytesIn(pid: number, file: "status" | "smaps_rollup", field: string): number | undefined {
  const kilobytes = textOf(pid, file).match(new RegExp(`^${field}:\\s+(\\d+) kB`, "m"))?.[1];
  return kilobytes === undefined ? undefined : (Number(kilobytes) * 1_024) / 1e6;
}
