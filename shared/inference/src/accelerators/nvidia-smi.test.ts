/** What is asked of nvidia-smi, and how: a script stands in for the driver's own program, which only machines with a GPU have. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { chooseAccelerator } from "./accelerator.ts";
import { eachDevice } from "./each-device.ts";

const first = "GPU-c7384736-a75d-5afc-978f-d2f1294409fd";
const second = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77";
const script = `#!/bin/sh
case "$*" in
  -L) printf 'GPU 0: NVIDIA H100 (UUID: ${first})\\nGPU 1: NVIDIA H100 (UUID: ${second})\\n' ;;
  "--query-gpu=memory.free,memory.total --format=csv,noheader,nounits --id=${second}") echo '1024, 81559' ;;
  *) exit 2 ;;
esac
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "parlance-smi-"));
  writeFileSync(join(folder, "nvidia-smi"), script);
  chmodSync(join(folder, "nvidia-smi"), 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
  vi.stubEnv("CUDA_VISIBLE_DEVICES", "1,0");
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test("a GPU is found, tried and asked for its free memory by its UUID", async () => {
  const tried: (string | undefined)[] = [];
  const probe = {
    providerMissing: () => undefined,
    deviceMissing: () => undefined,
    tryGraph: async (_: number, gpu?: string) => void tried.push(gpu),
  };
  const accelerator = await chooseAccelerator({ device: "cuda:0", log: () => {}, probe });
  expect(accelerator).toMatchObject({ id: second, engine: { environment: { CUDA_VISIBLE_DEVICES: second } } });
  expect(tried).toEqual([second]);
  expect(await accelerator.memory()).toEqual({ freeBytes: 1_024 * 1_048_576, totalBytes: 81_559 * 1_048_576 });
  const other = await chooseAccelerator({ device: "cuda:1", log: () => {}, probe });
  expect(other.id).toBe(first);
  expect(await other.memory()).toBeUndefined();
});

test("all of them are what is visible", async () => {
  expect(await eachDevice("cuda:*")).toEqual(["cuda:0", "cuda:1"]);
});
