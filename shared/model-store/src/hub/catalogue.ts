/**
 * Which repository holds the ONNX files of a model that is known by another name: weights are published by their makers,
 * graphs by others. README.md beside this file says where each entry comes from. Any other hub id is its own repository.
 */
export interface CatalogueEntry {
  /** The model's own name. */
  id: string;
  /** Where its graphs are. */
  repository: string;
  /** A commit where one is known to work, else a branch. */
  revision: string;
}

const whisperSizes = ["tiny", "tiny.en", "base", "base.en", "small", "medium", "medium.en", "large-v2", "large-v3"];

export const catalogue: readonly CatalogueEntry[] = [
  { id: "Qwen/Qwen3-ASR-0.6B", repository: "andrewleech/qwen3-asr-0.6b-onnx", revision: "main" },
  {
    id: "Qwen/Qwen3-ASR-1.7B",
    repository: "andrewleech/qwen3-asr-1.7b-onnx",
    revision: "df916193ac67e59347769891a21e10d81d12acdd",
  },
  ...whisperSizes.map((size) => ({
    id: `openai/whisper-${size}`,
    repository: `Xenova/whisper-${size}`,
    revision: "main",
  })),
];

/** By its whole id or the last part of it, in any case (`whisper-base`, `qwen3-asr-0.6b`). */
export function findInCatalogue(modelId: string): CatalogueEntry | undefined {
  const wanted = modelId.toLowerCase();
  return catalogue.find(({ id }) => id.toLowerCase() === wanted || id.toLowerCase().split("/")[1] === wanted);
}
