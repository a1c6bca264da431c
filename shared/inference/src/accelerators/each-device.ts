/** The devices that ASR_DEVICE or TTS_DEVICE means, each for a worker of its own: `cuda:*` are all GPUs that CUDA would see. */
import { SpeechError } from "@parlance/contracts";
import { findGpus } from "./gpus.ts";
import { type Gpu, visibleGpus } from "./visible-gpus.ts";

export interface EachDeviceOptions {
  environment?: Readonly<Record<string, string | undefined>>;
  gpus?: () => Promise<readonly Gpu[]>;
}

/** In the order of the setting, none twice. Throws a SpeechError where `cuda:*` means none. */
export async function eachDevice(setting: string, options: EachDeviceOptions = {}): Promise<string[]> {
  const { environment = process.env, gpus = findGpus } = options;
  const parts = setting.split(",").map((part) => part.trim());
  if (parts.length === 1 && setting !== "cuda:*") return [setting];
  const all = parts.includes("cuda:*") ? visibleGpus(await gpus(), environment.CUDA_VISIBLE_DEVICES) : [];
  if (parts.includes("cuda:*") && all.length === 0) {
    throw new SpeechError("validation_failed", "device cuda:* cannot be used: no NVIDIA GPU is found", {
      param: "ASR_DEVICE",
    });
  }
  const named = parts.flatMap((part) => {
    if (part === "cuda:*") return all.map((_, place) => `cuda:${place}`);
    return part === "cuda" ? "cuda:0" : part;
  });
  return [...new Set(named)];
}
