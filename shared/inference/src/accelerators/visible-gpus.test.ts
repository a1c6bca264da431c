import { describe, expect, test } from "vitest";
import { type Gpu, visibleGpus } from "./visible-gpus.ts";

const uuid = (letter: string) => `GPU-${letter.repeat(8)}-0000-4000-8000-000000000000`;
const gpu = (letter: string, slices: string[] = []): Gpu => ({ uuid: uuid(letter), name: "H100", slices });
const [a, b, c] = ["a", "b", "c"].map(uuid);
const three = ["a", "b", "c"].map((letter) => gpu(letter));
const slices = ["MIG-11111111-0000-4000-8000-000000000000", "MIG-22222222-0000-4000-8000-000000000000"];

describe("CUDA_VISIBLE_DEVICES shows", () => {
  test.each<[setting: string | undefined, visible: (string | undefined)[]]>([
    [undefined, [a, b, c]],
    ["1", [b]],
    ["2,0", [c, a]],
    [" 2 , 0 ", [c, a]],
    [b ?? "", [b]],
    ["GPU-cccc,GPU-a", [c, a]],
    ["gpu-CCCC", [c]],
    // The first that is none ends the list.
    ["0,-1,2", [a]],
    ["0,3,2", [a]],
    ["0,GPU-dddd,2", [a]],
    ["GPU-", []],
    ["", []],
    ["-1", []],
    ["NoDevFiles", []],
    ["1,1", [b]],
  ])("of three GPUs by %j", (setting, visible) => {
    expect(visibleGpus(three, setting)).toEqual(visible);
  });

  test("the slices of a GPU that is cut, and not the whole of it", () => {
    const cut = [gpu("a"), gpu("b", slices), gpu("c")];
    expect(visibleGpus(cut, undefined)).toEqual([a, ...slices, c]);
    expect(visibleGpus(cut, "1")).toEqual(slices);
    expect(visibleGpus(cut, slices[1])).toEqual([slices[1]]);
    expect(visibleGpus(cut, "MIG-2222")).toEqual([slices[1]]);
    expect(visibleGpus(cut, "MIG-")).toEqual([]);
  });
});
