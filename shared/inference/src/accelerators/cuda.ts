/** What CUDA this machine has, by its driver: told to people, not decided by (device.ts tries a graph). */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";

export interface CudaFacts {
  /** Newest CUDA that the driver speaks (`12.4`); null when it does not tell. */
  version: string | null;
  deviceCount: number;
}

export interface CudaSources {
  /** Names of the GPUs that the driver knows. */
  gpus(): Promise<string[]>;
  /** What `nvidia-smi` prints; rejects when there is none. */
  report(): Promise<string>;
}

const REPORT_TIMEOUT_MS = 10_000;

const machine: CudaSources = {
  gpus: async () => await readdir("/proc/driver/nvidia/gpus").catch(() => listDevices()),
  report: () =>
    new Promise((resolve, reject) => {
      execFile("nvidia-smi", { timeout: REPORT_TIMEOUT_MS }, (error, output) =>
        error ? reject(error) : resolve(output),
      );
    }),
};

async function listDevices(): Promise<string[]> {
  return (await readdir("/dev").catch(() => [])).filter((name) => /^nvidia\d+$/.test(name));
}

export async function detectCuda({ gpus, report }: CudaSources = machine): Promise<CudaFacts> {
  const deviceCount = (await gpus()).length;
  if (deviceCount === 0) return { version: null, deviceCount };
  const text = await report().catch(() => "");
  return { version: /CUDA Version:\s*([\d.]+)/.exec(text)?.[1] ?? null, deviceCount };
}
