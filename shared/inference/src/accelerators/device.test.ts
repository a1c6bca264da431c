import { describe, expect, it } from "vitest";
import { type CudaProbe, chooseDevice, cudaProbe, missingDevice } from "./device.ts";

const working: CudaProbe = {
  providerMissing: () => undefined,
  deviceMissing: () => undefined,
  tryGraph: () => Promise.resolve(),
};

function choose(device: string, probe: Partial<CudaProbe> = {}) {
  const lines: unknown[] = [];
  const log = (_message: string, fields?: Record<string, unknown>) => lines.push(fields);
  return chooseDevice({ device, log, probe: { ...working, ...probe } }).then((choice) => ({ ...choice, lines }));
}

describe("chooseDevice", () => {
  it("takes CUDA for auto when a graph ran on it, and the device that was named", async () => {
    expect(await choose("auto")).toMatchObject({ provider: "cuda", deviceId: 0, name: "cuda:0" });
    expect(await choose("cuda")).toMatchObject({ name: "cuda:0" });
    expect(await choose("cuda:3")).toMatchObject({ deviceId: 3, name: "cuda:3" });
  });

  it("falls back to the CPU for auto and logs which look failed", async () => {
    for (const probe of [
      { providerMissing: () => "no provider" },
      { deviceMissing: () => "no device" },
      { tryGraph: () => Promise.reject(new Error("driver too old")) },
    ] satisfies Partial<CudaProbe>[]) {
      const choice = await choose("auto", probe);
      expect(choice).toMatchObject({ provider: "cpu", name: "cpu" });
      expect(choice.reason).toMatch(/no provider|no device|driver too old/);
      expect(choice.lines).toEqual([{ device: "cpu", reason: choice.reason }]);
    }
  });

  it("refuses a CUDA device that was asked for and cannot be used", async () => {
    const refused = choose("cuda:1", { deviceMissing: (n) => `no device ${n}` });
    await expect(refused).rejects.toThrow("device cuda:1 cannot be used: no device 1");
    await expect(refused).rejects.toMatchObject({ param: "ASR_DEVICE" });
  });

  it("never looks for CUDA when the CPU was asked for", async () => {
    const choice = await choose("cpu", {
      providerMissing: () => {
        throw new Error("looked");
      },
    });
    expect(choice.provider).toBe("cpu");
  });

  it("refuses a name that is no device", async () => {
    await expect(choose("gpu")).rejects.toThrow("use auto, cpu, cuda or cuda:<n>");
  });

  it("counts devices as CUDA does: the only one that a container was given is device 0, whatever its name", () => {
    expect(missingDevice(["null", "nvidia5", "nvidiactl", "nvidia-uvm"], 0)).toBeUndefined();
    expect(missingDevice(["nvidia5", "nvidiactl"], 1)).toBe("there is no NVIDIA device 1 (/dev has 1)");
    expect(missingDevice(["nvidiactl", "nvidia-uvm"], 0)).toBe("there is no NVIDIA device 0 (/dev has none)");
    expect(missingDevice(["dxg"], 0)).toBeUndefined();
  });

  it("hears from the forked child why CUDA does not run", async () => {
    if (cudaProbe.providerMissing() === undefined && cudaProbe.deviceMissing(0) === undefined) {
      await cudaProbe.tryGraph(0);
    } else {
      await expect(cudaProbe.tryGraph(0)).rejects.toThrow(/CUDA|cuda|shared library/i);
    }
  });
});
