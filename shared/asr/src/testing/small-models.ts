/** A small model of random weights in each layout that is served: its text means nothing, its way is that of a large one. */
import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { writePublishedModel, writeTinyModel } from "../whisper/testing/tiny-model.ts";

const qwen = (folder: string) => fileURLToPath(new URL(`../qwen3-asr/fixtures/${folder}`, import.meta.url));
const copy = (from: string) => (folder: string) => cp(from, folder, { recursive: true });

/** Writes the folder. */
export const smallModels: Record<string, (folder: string) => Promise<void>> = {
  "Qwen3-ASR, the project's own": copy(qwen("model")),
  "Qwen3-ASR, split": copy(qwen("split")),
  "Qwen3-ASR, merged": copy(qwen("merged")),
  "Whisper, the project's own": (folder) => writeTinyModel(folder, "multilingual-80"),
  "Whisper, split": (folder) => writePublishedModel(folder, "split"),
  "Whisper, merged": (folder) => writePublishedModel(folder, "merged"),
  "Whisper, merged, float16": (folder) => writePublishedModel(folder, "half"),
};

/** The small model of an architecture in the project's own layout, with every way of decoding. */
export async function writeSmallModel(architecture: "qwen3-asr" | "whisper", folder: string): Promise<void> {
  if (architecture === "qwen3-asr") await cp(qwen("model"), folder, { recursive: true });
  else await writeTinyModel(folder, "multilingual-80", {}, { loop: true });
}
