/**
 * The GPUs that this machine or container has, by their driver. `nvidia-smi -L` knows them all, with their slices, and in a container
 * those that it was given; where there is none (an image without the driver's utilities), the kernel's list of them is read.
 * Both go by the place on the PCI bus. CUDA itself may count from the fastest on: that order is nobody's here, because an
 * engine is shown the one GPU that it is to run on, by its UUID.
 */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Gpu } from "./visible-gpus.ts";

export interface GpuSources {
  /** What `nvidia-smi -L` prints; rejects when there is none. */
  list(): Promise<string>;
  /** `information` of each GPU in /proc/driver/nvidia/gpus, by the names of their folders. */
  information(): Promise<Map<string, string>>;
  /** What lies in /dev. */
  devices(): Promise<string[]>;
}

const LIST_TIMEOUT_MS = 20_000;
const FOLDER = "/proc/driver/nvidia/gpus";

const machine: GpuSources = {
  list: () =>
    new Promise((resolve, reject) => {
      execFile("nvidia-smi", ["-L"], { timeout: LIST_TIMEOUT_MS }, (error, output) =>
        error ? reject(error) : resolve(output),
      );
    }),
  async information() {
    const names = await readdir(FOLDER).catch(() => []);
    const texts = await Promise.all(names.map((name) => readFile(join(FOLDER, name, "information"), "utf8")));
    return new Map(names.map((name, index) => [name, texts[index] ?? ""]));
  },
  devices: () => readdir("/dev").catch(() => []),
};

/** None where nobody tells of any. */
export async function findGpus(sources: GpuSources = machine): Promise<Gpu[]> {
  const listed = readList(await sources.list().catch(() => ""));
  if (listed.length > 0) return listed;
  const information = await sources.information().catch(() => new Map<string, string>());
  return information.size === 0 ? [] : readInformation(information, await sources.devices());
}

/** ```GPU 0: NVIDIA H100 (UUID: GPU-…)```, and below it ```  MIG 1g.10gb Device 0: (UUID: MIG-…)``` for each slice. */
function readList(text: string): Gpu[] {
  const gpus: { uuid: string; name: string; slices: string[] }[] = [];
  for (const line of text.split("\n")) {
    const [, name, uuid] = /^GPU \d+: (.*) \(UUID: (GPU-[^)\s]+)\)/.exec(line) ?? [];
    if (name !== undefined && uuid !== undefined) gpus.push({ uuid, name, slices: [] });
    const [, slice] = /^\s+MIG .*\(UUID: (MIG-[^)\s]+)\)/.exec(line) ?? [];
    if (slice !== undefined) gpus.at(-1)?.slices.push(slice);
  }
  return gpus;
}

/** A container may see the kernel's list of all GPUs, and has the device files of its own. */
function readInformation(texts: ReadonlyMap<string, string>, devices: readonly string[]): Gpu[] {
  const field = (text: string, name: string) => new RegExp(`^${name}:\\s*(.+?)\\s*$`, "m").exec(text)?.[1];
  return [...texts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, text]) => {
      const uuid = field(text, "GPU UUID");
      const here = devices.includes(`nvidia${field(text, "Device Minor")}`);
      return uuid?.startsWith("GPU-") && here ? [{ uuid, name: field(text, "Model") ?? "", slices: [] }] : [];
    });
}
