/** Every architecture by the name that manifests use. No code outside this package names one. */
import { parametricArchitecture } from "./parametric/parametric-model.ts";
import { qwen3TtsArchitecture } from "./qwen3-tts/qwen3-tts-model.ts";
import type { TtsArchitecture } from "./types.ts";

export const architectures: ReadonlyMap<string, TtsArchitecture> = new Map(
  [parametricArchitecture, qwen3TtsArchitecture].map((architecture) => [architecture.name, architecture]),
);
