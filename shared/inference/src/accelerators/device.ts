/**
 * Which device a model runs on. ONNX Runtime cannot tell: the list of its providers is fixed when it is compiled, and a
 * session on a provider that does not load is an error or an abort of the process. So the CUDA provider is looked for on
 * disk, then the NVIDIA device, and then a forked child runs a tiny graph on it.
 */
import { fork } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SpeechError } from "@parlance/contracts";

export interface Device {
  provider: "cpu" | "cuda";
  /** Number of the CUDA device; 0 on the CPU. */
  deviceId: number;
  /** `cpu`, `cuda:0` … */
  name: string;
  /** Why it was chosen, for the start-up log. */
  reason: string;
}

/** The three looks at the machine, in order; each is passed in so that the decision can be tested without a GPU. */
export interface CudaProbe {
  /** Undefined when ONNX Runtime's CUDA provider is there, otherwise where it was missed. */
  providerMissing(): string | undefined;
  /** Undefined when the system has the NVIDIA device, otherwise what was missed. */
  deviceMissing(deviceId: number): string | undefined;
  /** Runs a graph in a child process: on the device, or on the GPU of this UUID. Rejects with the reason when that fails. */
  tryGraph(deviceId: number, gpu?: string): Promise<void>;
}

export interface ChooseDeviceOptions {
  /** `auto`, `cpu`, `cuda` or `cuda:<n>`. */
  device: string;
  /** UUID of the GPU that it names, where that is known: it is there, and is tried by this. */
  gpu?: string;
  log: (message: string, fields?: Record<string, unknown>) => void;
  probe?: CudaProbe;
}

/** `auto` falls back to the CPU; a CUDA device that was asked for and cannot be used is a SpeechError. */
export async function chooseDevice(options: ChooseDeviceOptions): Promise<Device> {
  const { device, gpu, log, probe = cudaProbe } = options;
  const match = /^(?:(auto|cpu)|cuda(?::(\d+))?)$/.exec(device);
  if (match === null) throw unusable(`device ${JSON.stringify(device)}: use auto, cpu, cuda or cuda:<n>`);
  const cpu = (reason: string): Device => ({ provider: "cpu", deviceId: 0, name: "cpu", reason });
  if (match[1] === "cpu") return chosen(cpu("it was asked for"));
  const deviceId = Number(match[2] ?? 0);
  const obstacle = await findObstacle(probe, deviceId, gpu);
  if (obstacle === undefined) {
    return chosen({ provider: "cuda", deviceId, name: `cuda:${deviceId}`, reason: "a graph ran on it" });
  }
  if (match[1] === "auto") return chosen(cpu(`cuda:${deviceId} cannot be used: ${obstacle}`));
  throw unusable(`device cuda:${deviceId} cannot be used: ${obstacle}`);

  function chosen(choice: Device): Device {
    log("device chosen", { device: choice.name, reason: choice.reason });
    return choice;
  }
}

function unusable(message: string): SpeechError {
  return new SpeechError("validation_failed", message, { param: "ASR_DEVICE" });
}

async function findObstacle(probe: CudaProbe, deviceId: number, gpu?: string): Promise<string | undefined> {
  const missing = probe.providerMissing() ?? (gpu === undefined ? probe.deviceMissing(deviceId) : undefined);
  if (missing !== undefined) return missing;
  try {
    await probe.tryGraph(deviceId, gpu);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * CUDA counts the devices that it sees: in a container that was given the sixth of eight, `/dev/nvidia5` is device 0.
 * @param names what lies in /dev
 */
export function missingDevice(names: readonly string[], deviceId: number): string | undefined {
  if (names.includes("dxg")) return undefined;
  const devices = names.filter((name) => /^nvidia\d+$/.test(name)).length;
  if (devices > deviceId) return undefined;
  return `there is no NVIDIA device ${deviceId} (/dev has ${devices === 0 ? "none" : `${devices}`})`;
}

/** The environment in which CUDA sees one GPU, as its device 0. */
export function showing(gpu: string): { CUDA_VISIBLE_DEVICES: string } {
  return { CUDA_VISIBLE_DEVICES: gpu };
}

/** First use of a CUDA device may compile kernels. */
const PROBE_TIMEOUT_MS = 60_000;

export const cudaProbe: CudaProbe = {
  providerMissing() {
    const root = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
    const folder = join(root, "bin", "napi-v6", process.platform, process.arch);
    const library =
      process.platform === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so";
    return existsSync(join(folder, library)) ? undefined : `ONNX Runtime's CUDA provider (${library}) is not installed`;
  },
  deviceMissing(deviceId) {
    if (process.platform === "win32") return undefined;
    return missingDevice(existsSync("/dev") ? readdirSync("/dev") : [], deviceId);
  },
  tryGraph(deviceId, gpu) {
    return new Promise((resolve, reject) => {
      const program = new URL(`./cuda-probe-child${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
      const child = fork(program, [gpu === undefined ? String(deviceId) : "0"], {
        execArgv: [],
        env: { ...process.env, ...(gpu !== undefined && showing(gpu)) },
        stdio: ["ignore", "ignore", "ignore", "ipc"],
        timeout: PROBE_TIMEOUT_MS,
        killSignal: "SIGKILL",
      });
      let answer: unknown;
      child.once("message", (message) => {
        answer = message;
      });
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        if (answer === "ok") resolve();
        else
          reject(new Error(typeof answer === "string" ? answer : `its trial ended with ${signal ?? `code ${code}`}`));
      });
    });
  },
};
