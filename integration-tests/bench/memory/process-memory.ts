/** What each process of a pipeline has in memory, and what all of it has on the disk. Linux only. */
import { readFileSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readSettings } from "@parlance/contracts";
import { memoryLimit } from "../../../services/stack/src/memory-limit.ts";
import { natsMemory } from "../../../services/stack/src/nats-memory.ts";
import type { Pipeline } from "../../src/pipeline.ts";
import { engineProcesses, memoryOf } from "../../src/process-table.ts";
import { quantile } from "../measure/statistics.ts";

/** Resident megabytes of 10^6 bytes, by process: the services, `engine`, `launcher` and `nats-server`. */
export type Megabytes = Readonly<Record<string, number>>;

export const NATS = "nats-server";
const READINGS = 5;
const BETWEEN_MS = 1_000;

/** Medians of five readings over five seconds. */
export async function residentOf(pipeline: Pipeline): Promise<Megabytes> {
  const series = new Map<string, number[]>();
  for (let reading = 0; reading < READINGS; reading += 1) {
    for (const [name, pid] of processesOf(pipeline)) {
      const megabytes = memoryOf(pid)?.resident;
      if (megabytes !== undefined) series.set(name, [...(series.get(name) ?? []), megabytes]);
    }
    await pause(BETWEEN_MS);
  }
  return Object.fromEntries([...series].map(([name, values]) => [name, quantile(values, 0.5)]));
}

function processesOf(pipeline: Pipeline): [name: string, pid: number][] {
  const { pid, pids } = pipeline.processes();
  const engines = engineProcesses(pipeline).map((engine): [string, number] => ["engine", engine.pid]);
  return [["launcher", pid], ...Object.entries(pids), ...engines];
}

/** Megabytes that nats-server is to stay under; undefined where its collector was told of no limit. */
export function natsLimit(pipeline: Pipeline): number | undefined {
  const { NATS_MEMORY_BYTES } = readSettings(["NATS_MEMORY_BYTES"], process.env);
  const bytes = natsMemory(NATS_MEMORY_BYTES, memoryLimit());
  const environment = readFileSync(`/proc/${pipeline.processes().pids[NATS]}/environ`, "utf8").split("\0");
  const isTold = bytes > 0 && environment.some((entry) => /^GOMEMLIMIT=\d+$/.test(entry));
  return isTold ? bytes / 1e6 : undefined;
}

const BLOCK_BYTES = 512;

/** Bytes of the disk that everything below a folder takes. What goes away meanwhile is none. */
export async function diskBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(goneIsNone([]));
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return await diskBytes(path);
      return (await lstat(path).catch(goneIsNone({ blocks: 0 }))).blocks * BLOCK_BYTES;
    }),
  );
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

function goneIsNone<Nothing>(nothing: Nothing): (error: unknown) => Nothing {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return nothing;
    throw error;
  };
}
