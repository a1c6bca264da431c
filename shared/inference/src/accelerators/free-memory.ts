/**
 * How much memory an accelerator has left, where it tells. A GPU's driver counts what all processes have, those of other
 * containers too. A machine's kernel knows what it could give without taking it from anybody, and a container what its limit
 * leaves; what only keeps files at hand is free, because the kernel gives it back.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface Memory {
  freeBytes: number;
  totalBytes: number;
}

export interface MemorySources {
  /** What nvidia-smi prints of the GPU: free and whole memory in MiB. */
  query(gpu: string): Promise<string>;
  read(path: string): Promise<string>;
}

const QUERY_TIMEOUT_MS = 5_000;
const KIB = 1_024;
const MIB = 1_048_576;
const GROUPS = "/sys/fs/cgroup";

const machine: MemorySources = {
  query: (gpu) =>
    new Promise((resolve, reject) => {
      const question = ["--query-gpu=memory.free,memory.total", "--format=csv,noheader,nounits", `--id=${gpu}`];
      execFile("nvidia-smi", question, { timeout: QUERY_TIMEOUT_MS }, (error, output) =>
        error ? reject(error) : resolve(output),
      );
    }),
  read: (path) => readFile(path, "utf8"),
};

/** @param gpu its UUID; of a slice of one nothing is told */
export async function readGpuMemory(gpu: string, { query }: MemorySources = machine): Promise<Memory | undefined> {
  if (!gpu.startsWith("GPU-")) return undefined;
  const answer = await query(gpu).catch(() => "");
  const [, free, total] = /^\s*(\d+)\s*,\s*(\d+)\s*$/m.exec(answer) ?? [];
  return total === undefined ? undefined : { freeBytes: Number(free) * MIB, totalBytes: Number(total) * MIB };
}

export async function readMachineMemory({ read }: MemorySources = machine): Promise<Memory | undefined> {
  const text = await read("/proc/meminfo").catch(() => "");
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN);
  const whole = { freeBytes: (kib("MemAvailable") + kib("SwapFree")) * KIB, totalBytes: kib("MemTotal") * KIB };
  if (Number.isNaN(whole.freeBytes + whole.totalBytes)) return undefined;
  const group = await readGroup(read).catch(() => undefined);
  if (group === undefined) return whole;
  return {
    freeBytes: Math.min(whole.freeBytes, group.freeBytes),
    totalBytes: Math.min(whole.totalBytes, group.totalBytes),
  };
}

/** What a process of this machine has for itself alone: what it maps of files can be taken from it. Linux tells. */
export async function readTaken(pid: number, { read }: MemorySources = machine): Promise<number | undefined> {
  const status = await read(`/proc/${pid}/status`).catch(() => "");
  const [, kib] = /^RssAnon:\s*(\d+) kB/m.exec(status) ?? [];
  return kib === undefined ? undefined : Number(kib) * KIB;
}

/** What the control group's limit leaves; rejects where there is none (cgroup v2 writes `max`). */
async function readGroup(read: MemorySources["read"]): Promise<Memory> {
  const own = /^0::(\/.*)$/m.exec(await read("/proc/self/cgroup"))?.[1] ?? "/";
  const number = async (name: string) => toBytes(await read(join(GROUPS, own, name)));
  const [limit, used] = [await number("memory.max"), await number("memory.current")];
  const stat = await read(join(GROUPS, own, "memory.stat"));
  const files = [...stat.matchAll(/^(?:in)?active_file (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0);
  return { freeBytes: Math.max(0, limit - used + files), totalBytes: limit };
}

function toBytes(text: string): number {
  if (!/^\d+\s*$/.test(text)) throw new Error("there is no limit");
  return Number(text);
}
