import { acceleratorSchema } from "@parlance/contracts";
import { describe, expect, test } from "vitest";
import { type ChooseAcceleratorOptions, chooseAccelerator } from "./accelerator.ts";
import type { CudaProbe } from "./device.ts";
import type { Gpu } from "./visible-gpus.ts";

const uuids = ["a", "b"].map((letter) => `GPU-${letter.repeat(8)}-0000-4000-8000-000000000000`);
const [a, b] = uuids;
const both: Gpu[] = uuids.map((uuid) => ({ uuid, name: "H100", slices: [] }));
const tried: (string | undefined)[] = [];
const working: CudaProbe = {
  providerMissing: () => undefined,
  deviceMissing: () => undefined,
  tryGraph: async (deviceId, gpu) => void tried.push(gpu ?? `cuda:${deviceId}`),
};
const choose = (device: string, more: Partial<ChooseAcceleratorOptions> = {}) =>
  chooseAccelerator({
    device,
    machineId: "m1",
    environment: {},
    log: () => {},
    probe: working,
    gpus: async () => both,
    ...more,
  });

describe("a GPU", () => {
  test("has one id, whichever way it is named, and its engine is shown it alone", async () => {
    const here = await choose("cuda:1");
    const there = await choose("cuda", { environment: { CUDA_VISIBLE_DEVICES: "1" }, machineId: "m2" });
    const named = await choose("auto", { environment: { CUDA_VISIBLE_DEVICES: b } });
    expect([here.id, there.id, named.id]).toEqual([b, b, b]);
    expect([here.name, there.name, named.name]).toEqual(["cuda:1", "cuda:0", "cuda:0"]);
    for (const { engine } of [here, there, named]) {
      expect(engine).toEqual({ device: "cuda:0", environment: { CUDA_VISIBLE_DEVICES: b } });
    }
  });

  test("is tried as its engine will run on it", async () => {
    tried.length = 0;
    await choose("cuda:1");
    expect(tried).toEqual([b]);
  });

  test("that is not there is refused with how many there are", async () => {
    await expect(choose("cuda:2")).rejects.toThrow("device cuda:2 cannot be used: there are 2 GPUs here");
    const one = { environment: { CUDA_VISIBLE_DEVICES: "0" } };
    await expect(choose("cuda:1", one)).rejects.toThrow("there are 1 GPUs here");
  });

  test("is one alone: a setting that means several is refused with which", async () => {
    await expect(choose("cuda:*")).rejects.toThrow("device cuda:* means cuda:0, cuda:1, and a worker runs on one");
    const shown = { environment: { CUDA_VISIBLE_DEVICES: "1" } };
    expect(await choose("cuda:*", shown)).toMatchObject({ id: b, name: "cuda:0" });
  });

  test("whose UUID nobody tells goes by its machine and its place there", async () => {
    const gpus = async () => [];
    const first = await choose("cuda:1", { gpus });
    const shown = await choose("cuda:0", { gpus, environment: { CUDA_VISIBLE_DEVICES: "1" } });
    expect([first.id, shown.id]).toEqual(["cuda-1-m1", "cuda-1-m1"]);
    expect([first.engine, shown.engine]).toEqual([
      { device: "cuda:1", environment: {} },
      { device: "cuda:0", environment: {} },
    ]);
    expect((await choose("cuda:0", { gpus, machineId: "m2" })).id).toBe("cuda-0-m2");
    const told = await choose("cuda:0", { gpus, environment: { CUDA_VISIBLE_DEVICES: `${b},${a}` } });
    expect([told.id, told.engine.device]).toEqual([b, "cuda:0"]);
  });

  test("of several kinds is counted as nvidia-smi does, and the start says so", async () => {
    const mixed = [both[0], { uuid: String(b), name: "RTX 4090", slices: [] }].filter((gpu) => gpu !== undefined);
    expect((await choose("cuda", { gpus: async () => mixed })).reason).toMatch(/place on the PCI bus/);
    expect((await choose("cuda")).reason).not.toMatch(/PCI/);
  });
});

describe("a CPU", () => {
  test("has its machine's id, and looks for no GPU where it was asked for", async () => {
    const gpus = () => Promise.reject(new Error("looked"));
    expect(await choose("cpu", { gpus })).toMatchObject({ id: "cpu-m1", name: "cpu", engine: { device: "cpu" } });
    expect((await choose("cpu", { machineId: "m2" })).id).toBe("cpu-m2");
  });

  test("is what auto falls back to", async () => {
    const probe = { ...working, tryGraph: () => Promise.reject(new Error("driver too old")) };
    expect(await choose("auto", { probe })).toMatchObject({ id: "cpu-m1", provider: "cpu" });
  });

  test("and every id is a token that fits a key", async () => {
    for (const machineId of ["mac.local", "a b>*", "x".repeat(64)]) {
      expect(acceleratorSchema.safeParse((await choose("cpu", { machineId })).id).success).toBe(true);
    }
    const sliced = "MIG-GPU-aaaaaaaa-0000-4000-8000-000000000000/1/0";
    const gpus = async () => [{ uuid: String(a), name: "A100", slices: [sliced] }];
    const slice = await choose("cuda", { gpus });
    expect(slice.id).toBe("MIG-GPU-aaaaaaaa-0000-4000-8000-000000000000-1-0");
    expect(slice.engine.environment).toEqual({ CUDA_VISIBLE_DEVICES: sliced });
  });
});
