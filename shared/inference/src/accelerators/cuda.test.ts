import { describe, expect, it } from "vitest";
import { detectCuda } from "./cuda.ts";

const report = "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4     |";

describe("detectCuda", () => {
  it("counts devices and reads the version that the driver speaks", async () => {
    const facts = await detectCuda({ gpus: async () => ["0000:01:00.0", "0000:02:00.0"], report: async () => report });
    expect(facts).toEqual({ version: "12.4", deviceCount: 2 });
  });

  it("asks nobody without a device, and says null when nobody tells", async () => {
    const refuse = async () => {
      throw new Error("there is no nvidia-smi");
    };
    expect(await detectCuda({ gpus: async () => [], report: refuse })).toEqual({ version: null, deviceCount: 0 });
    expect(await detectCuda({ gpus: async () => ["0"], report: refuse })).toEqual({ version: null, deviceCount: 1 });
  });
});
