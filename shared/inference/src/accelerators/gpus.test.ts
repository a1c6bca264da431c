import { expect, test } from "vitest";
import { findGpus, type GpuSources } from "./gpus.ts";

const nobody: GpuSources = {
  list: () => Promise.reject(new Error("there is no nvidia-smi")),
  information: async () => new Map(),
  devices: async () => [],
};
const first = "GPU-c7384736-a75d-5afc-978f-d2f1294409fd";
const second = "GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77";

test("GPUs are those that nvidia-smi lists, with their slices", async () => {
  const list = [
    `GPU 0: NVIDIA A100-SXM4-40GB (UUID: ${first})`,
    "  MIG 1g.5gb      Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)",
    "  MIG 1g.5gb      Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)",
    `GPU 1: NVIDIA A100-SXM4-40GB (UUID: ${second})`,
    "",
  ].join("\n");
  expect(await findGpus({ ...nobody, list: async () => list })).toEqual([
    {
      uuid: first,
      name: "NVIDIA A100-SXM4-40GB",
      slices: ["MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb"],
    },
    { uuid: second, name: "NVIDIA A100-SXM4-40GB", slices: [] },
  ]);
});

test("without nvidia-smi they are those of the kernel's list whose device file is here, in the order of their bus", async () => {
  const text = (uuid: string, minor: number) =>
    `Model: \t\t NVIDIA H100\nIRQ:   \t\t 16\nGPU UUID: \t ${uuid}\nDevice Minor: \t ${minor}\nGPU Excluded:\t No\n`;
  const information = async () =>
    new Map([
      ["0000:c1:00.0", text(second, 0)],
      ["0000:01:00.0", text(first, 1)],
      ["0000:02:00.0", text("GPU-00000000-0000-0000-0000-000000000000", 2)],
    ]);
  const devices = async () => ["null", "nvidia0", "nvidia1", "nvidiactl"];
  expect(await findGpus({ ...nobody, information, devices })).toEqual([
    { uuid: first, name: "NVIDIA H100", slices: [] },
    { uuid: second, name: "NVIDIA H100", slices: [] },
  ]);
});

test("where nobody tells of any, there is none", async () => {
  expect(await findGpus(nobody)).toEqual([]);
  expect(await findGpus({ ...nobody, list: async () => "No devices found." })).toEqual([]);
});
