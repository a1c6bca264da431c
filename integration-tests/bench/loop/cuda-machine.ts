/** Whether this machine has a CUDA device that ONNX Runtime can use, and what to do where only libraries are missing. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { chooseDevice, cudaProbe } from "@parlance/inference";

/** Undefined when a graph ran on the device; otherwise one line why none did, and what helps. */
export async function cudaObstacle(): Promise<string[] | undefined> {
  const device = cudaProbe.deviceMissing(0);
  if (device !== undefined) {
    return [`bench:loop: no CUDA GPU: ${device}. The same comparison runs on the CPU with -- --device cpu`];
  }
  try {
    await chooseDevice({ device: "cuda", log: () => {} });
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [`bench:loop: there is a GPU, but ${reason}`, ...(await librariesNeeded())];
  }
}

async function librariesNeeded(): Promise<string[]> {
  const require = createRequire(import.meta.resolve("@parlance/inference"));
  const root = dirname(require.resolve("onnxruntime-node/package.json"));
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const folder = join(root, "bin", "napi-v6", process.platform, process.arch);
  return [
    "",
    `onnxruntime-node ${version} wants libonnxruntime_providers_cuda.so and libonnxruntime_providers_shared.so of exactly its version in`,
    `  ${folder}`,
    "With a network, its own installer fetches them (the name cuda12 is the installer's, whatever they are built for):",
    `  (cd ${root} && ONNXRUNTIME_NODE_INSTALL=cuda12 node ./script/install)`,
    "Without one, take both from runtimes/linux-x64/native in the package, which is a zip file,",
    `  Microsoft.ML.OnnxRuntime.Gpu.Linux.${version}.nupkg (NuGet)`,
    "They need the CUDA libraries (cudart, cublas, cublasLt, cufft, curand, nvrtc) and cuDNN 9 on the loader's path; of which CUDA, and what is missing, says",
    `  ldd ${join(folder, "libonnxruntime_providers_cuda.so")} | grep -E 'cuda|cu[bfdr]|not found'`,
    "From 1.27 on that is most probably CUDA 13 (driver 580 or newer): an image with both is nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04.",
    "Name a folder of such libraries by LD_LIBRARY_PATH, then run npm run bench:loop again. A later npm ci removes the two files.",
  ];
}
