import { totalmem } from "node:os";
import { describe, expect, test } from "vitest";
import { type MemorySources, readGpuMemory, readMachineMemory, readTaken } from "./free-memory.ts";

const MIB = 1_048_576;

describe("a GPU", () => {
  const gpu = "GPU-c7384736-a75d-5afc-978f-d2f1294409fd";
  const of = (answer: string): MemorySources => ({
    query: async (asked) => (asked === gpu ? answer : Promise.reject(new Error("another one"))),
    read: () => Promise.reject(new Error("no files")),
  });

  test("has what its driver says, in MiB", async () => {
    expect(await readGpuMemory(gpu, of("78921, 81559\n"))).toEqual({
      freeBytes: 78_921 * MIB,
      totalBytes: 81_559 * MIB,
    });
  });

  test("that shares the machine's memory, or is a slice, does not tell", async () => {
    expect(await readGpuMemory(gpu, of("[N/A], [N/A]\n"))).toBeUndefined();
    expect(await readGpuMemory(gpu.replace("GPU", "MIG"), of("1, 2"))).toBeUndefined();
    expect(await readGpuMemory("GPU-another", of("1, 2"))).toBeUndefined();
  });
});

describe("a machine", () => {
  const meminfo =
    "MemTotal:  8000 kB\nMemFree: 100 kB\nMemAvailable:    3000 kB\nSwapTotal: 600 kB\nSwapFree:     500 kB\n";
  const reading = (files: Record<string, string>): MemorySources => ({
    query: () => Promise.reject(new Error("no GPU")),
    read: async (path) => files[path] ?? Promise.reject(new Error(`no ${path}`)),
  });

  test("has what its kernel could give, and what it could put aside", async () => {
    const told = { freeBytes: 3_500 * 1_024, totalBytes: 8_000 * 1_024 };
    expect(await readMachineMemory(reading({ "/proc/meminfo": meminfo }))).toEqual(told);
    const unlimited = { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n" };
    expect(await readMachineMemory(reading({ "/proc/meminfo": meminfo, ...unlimited }))).toEqual(told);
  });

  test("gives a container what its limit leaves, and what it uses for files besides", async () => {
    const limited = reading({
      "/proc/meminfo": meminfo,
      "/proc/self/cgroup": "1:name=systemd:/x\n0::/own\n",
      "/sys/fs/cgroup/own/memory.max": "2000000\n",
      "/sys/fs/cgroup/own/memory.current": "1500000\n",
      "/sys/fs/cgroup/own/memory.stat":
        "anon 900000\nfile 700000\ninactive_file 400000\nactive_file 100000\nshmem 200000\n",
    });
    expect(await readMachineMemory(limited)).toEqual({ freeBytes: 1_000_000, totalBytes: 2_000_000 });
  });

  test("tells of a process what it has for itself alone", async () => {
    const status = "Name:\tnode\nVmRSS:\t  9000 kB\nRssAnon:\t    7000 kB\nRssFile:\t 2000 kB\n";
    expect(await readTaken(7, reading({ "/proc/7/status": status }))).toBe(7_000 * 1_024);
    expect(await readTaken(8, reading({}))).toBeUndefined();
    expect(await readTaken(process.pid)).toBeGreaterThan(1e6);
  });

  test("that does not tell is not guessed at; this one tells", async () => {
    expect(await readMachineMemory(reading({}))).toBeUndefined();
    const own = await readMachineMemory();
    expect(own?.freeBytes).toBeGreaterThan(0);
    expect(own?.totalBytes).toBeLessThanOrEqual(totalmem());
  });
});
