/** Every architecture by the name that manifests use. No code outside this package names one. */
import { ctcArchitecture } from "./ctc/ctc-model.ts";
import { qwen3AsrArchitecture } from "./qwen3-asr/qwen3-asr-model.ts";
import type { AsrArchitecture } from "./types.ts";
import { whisperArchitecture } from "./whisper/whisper-model.ts";

export const architectures: ReadonlyMap<string, AsrArchitecture> = new Map(
  [ctcArchitecture, qwen3AsrArchitecture, whisperArchitecture].map((architecture) => [architecture.name, architecture]),
);
