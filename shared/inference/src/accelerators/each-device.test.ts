import { expect, test } from "vitest";
import { eachDevice } from "./each-device.ts";

const gpus = async () => ["a", "b", "c"].map((uuid) => ({ uuid: `GPU-${uuid}`, name: "H100", slices: [] }));
const of = (setting: string, CUDA_VISIBLE_DEVICES?: string) =>
  eachDevice(setting, { gpus, environment: { CUDA_VISIBLE_DEVICES } });

test("one device is what it was called, and nobody looks for GPUs", async () => {
  const looked = () => Promise.reject(new Error("looked"));
  for (const device of ["auto", "cpu", "cuda", "cuda:2"])
    expect(await eachDevice(device, { gpus: looked })).toEqual([device]);
  expect(await eachDevice("cuda:0,cuda:2", { gpus: looked })).toEqual(["cuda:0", "cuda:2"]);
});

test("cuda:* is each GPU that CUDA would see, and a list names none twice", async () => {
  expect(await of("cuda:*")).toEqual(["cuda:0", "cuda:1", "cuda:2"]);
  expect(await of("cuda:*", "2,0")).toEqual(["cuda:0", "cuda:1"]);
  expect(await of("cuda:1, cuda, cuda:0,cpu")).toEqual(["cuda:1", "cuda:0", "cpu"]);
  expect(await of("cpu,cuda:*", "1")).toEqual(["cpu", "cuda:0"]);
  await expect(of("cuda:*", "-1")).rejects.toThrow("no NVIDIA GPU is found");
});
