/**
 * Which repository holds the ONNX files of a model that is known by another name: weights are published by their makers,
 * graphs by others. ../README.md says where each entry comes from. Any other hub id is its own repository.
 */
export interface CatalogueEntry {
  /** The model's own name. */
  id: string;
  /** Where its graphs are. */
  repository: string;
  /** A commit where one is known to work, else a branch. */
  revision: string;
  /** Where to look when the repository is not there or cannot be used. */
  otherwise?: string;
  /** Of a model that speaks. */
  speaks?: SpokenOperation;
}

/** What a text-to-speech model of a hub is made for: one of these. */
export type SpokenOperation = "custom_voice" | "voice_design" | "voice_clone";

/** Sizes whose decoders are published with their cross attention told, which words' times come from. */
const timed = ["tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en"];
const untimed = ["large", "large-v2", "large-v3"];

export const catalogue: readonly CatalogueEntry[] = [
  { id: "Qwen/Qwen3-ASR-0.6B", repository: "andrewleech/qwen3-asr-0.6b-onnx", revision: "main" },
  {
    id: "Qwen/Qwen3-ASR-1.7B",
    repository: "andrewleech/qwen3-asr-1.7b-onnx",
    revision: "df916193ac67e59347769891a21e10d81d12acdd",
  },
  ...timed.map((size) => ({
    id: `openai/whisper-${size}`,
    repository: `onnx-community/whisper-${size}_timestamped`,
    revision: "main",
    otherwise: `Xenova/whisper-${size}`,
  })),
  ...untimed.map((size) => ({
    id: `openai/whisper-${size}`,
    repository: `Xenova/whisper-${size}`,
    revision: "main",
  })),
  {
    id: "openai/whisper-large-v3-turbo",
    repository: "onnx-community/whisper-large-v3-turbo_timestamped",
    revision: "main",
    otherwise: "onnx-community/whisper-large-v3-turbo",
  },
  {
    id: "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice",
    repository: "elbruno/Qwen3-TTS-12Hz-0.6B-CustomVoice-ONNX",
    revision: "main",
    speaks: "custom_voice",
  },
  {
    id: "Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice",
    repository: "elbruno/Qwen3-TTS-12Hz-1.7B-CustomVoice-ONNX",
    revision: "main",
    speaks: "custom_voice",
  },
  {
    id: "Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign",
    repository: "wavekat/Qwen3-TTS-1.7B-VoiceDesign-ONNX",
    revision: "main",
    speaks: "voice_design",
  },
  {
    id: "Qwen/Qwen3-TTS-12Hz-0.6B-Base",
    repository: "wavekat/Qwen3-TTS-0.6B-Base-ONNX",
    revision: "main",
    otherwise: "elbruno/Qwen3-TTS-12Hz-0.6B-Base-ONNX",
    speaks: "voice_clone",
  },
];

/** By the names that checkpoints of one kind share, whoever publishes them. */
const kinds: readonly [name: RegExp, SpokenOperation][] = [
  [/qwen3-tts.*custom-?voice/i, "custom_voice"],
  [/qwen3-tts.*voice-?design/i, "voice_design"],
  [/qwen3-tts.*base/i, "voice_clone"],
];

/** What a text-to-speech model does that is not here yet, by its name; undefined where that tells nothing. */
export function operationsOf(modelId: string): SpokenOperation[] | undefined {
  const known = findInCatalogue(modelId)?.speaks ?? kinds.find(([name]) => name.test(modelId))?.[1];
  return known && [known];
}

/** What a model that is not here yet is for, by its name; undefined where that tells nothing. */
export function familyByName(modelId: string): "asr" | "tts" | undefined {
  if (operationsOf(modelId) !== undefined) return "tts";
  return findInCatalogue(modelId) === undefined ? undefined : "asr";
}

/** Names that mean a model of the catalogue: as openai-whisper and faster-whisper call sizes, and the same weights again. */
const aliases: Readonly<Record<string, string>> = {
  large: "openai/whisper-large-v3",
  turbo: "openai/whisper-large-v3-turbo",
  "whisper-turbo": "openai/whisper-large-v3-turbo",
  "qwen/qwen3-asr-0.6b-hf": "Qwen/Qwen3-ASR-0.6B",
  "qwen/qwen3-asr-1.7b-hf": "Qwen/Qwen3-ASR-1.7B",
};

/** By its whole id, the last part of it or Whisper's size, in any case (`whisper-base`, `large-v3`, `qwen3-asr-0.6b`). */
export function findInCatalogue(modelId: string): CatalogueEntry | undefined {
  const wanted = modelId.toLowerCase();
  const meant = aliases[wanted]?.toLowerCase();
  return catalogue.find(({ id }) => {
    const known = id.toLowerCase();
    if (meant !== undefined) return known === meant;
    return [known, known.split("/")[1], known.split("/whisper-")[1]].includes(wanted);
  });
}
