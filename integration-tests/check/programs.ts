/** Where the programs and folders lie that a check uses: in the repository as sources, in a bundle built, at the same depth. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);
const isBuilt = import.meta.url.endsWith(".js");

const sources = {
  check: ["integration-tests/check/check.ts", "integration-tests/dist/check.js"],
  demo: ["integration-tests/demo/demo.ts", "integration-tests/dist/demo.js"],
  chaos: ["integration-tests/chaos/chaos.ts", "integration-tests/dist/chaos.js"],
  engine: ["services/transcribe-worker/src/engine.ts", "services/transcribe-worker/dist/engine.js"],
  "speech-engine": ["services/tts-worker/src/engine.ts", "services/tts-worker/dist/engine.js"],
  whisper: ["shared/asr/bench/loop/ways/whisper.ts", "shared/asr/dist/loop-whisper.js"],
  "qwen3-asr": ["shared/asr/bench/loop/ways/qwen3-asr.ts", "shared/asr/dist/loop-qwen3-asr.js"],
  "qwen3-tts": ["shared/tts/bench/loop/ways/qwen3-tts.ts", "shared/tts/dist/loop-qwen3-tts.js"],
} as const;

export function programUrl(name: keyof typeof sources): URL {
  const [source, built] = sources[name];
  return new URL(isBuilt ? built : source, root);
}

export const programPath = (name: keyof typeof sources): string => fileURLToPath(programUrl(name));
export const repositoryFolder = fileURLToPath(root);
export const shapeFolder = (model: string): string =>
  fileURLToPath(new URL(`integration-tests/check/shapes/${model}`, root));
export const embeddedModel = (model: string): string => fileURLToPath(new URL(`models/${model}`, root));

/** The installed ONNX Runtime's libraries for this platform. */
export const runtimeFolder = fileURLToPath(
  new URL(`node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/`, root),
);
export const runtimePackage = fileURLToPath(new URL("node_modules/onnxruntime-node/package.json", root));
export const hasProvider = existsSync(`${runtimeFolder}libonnxruntime_providers_cuda.so`);
