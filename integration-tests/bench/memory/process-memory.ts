/** What each process of a pipeline has in memory, and what all of it has on the disk. Linux only. */
import { readFileSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
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

/** Megabytes that nats-server was told to stay under; undefined where it was told none. It reads them from its environment. */
export function natsLimit(pipeline: Pipeline): number | undefined {
  const pid = pipeline.processes().pids[NATS];
  const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  const limit = environment.find((entry) => entry.startsWith("GOMEMLIMIT="))?.slice("GOMEMLIMIT=".length);
  return limit === undefined ? undefined : megabytesOf(limit);
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** As Go reads a memory limit: bytes, or a number with a unit of powers of two. Undefined for `off`. */
export function megabytesOf(limit: string): number | undefined {
  const [, digits, unit = "B"] = /^(\d+)([KMGT]?i?B)?$/.exec(limit) ?? [];
  const scale = UNITS[unit];
  return digits === undefined || scale === undefined ? undefined : (Number(digits) * scale) / 1e6;
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
