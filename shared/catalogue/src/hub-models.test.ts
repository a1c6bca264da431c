import { expect, it } from "vitest";
import { catalogue, familyByName, findInCatalogue, operationsOf } from "./hub-models.ts";

it("knows models by whole ids, in any case, and by the last part of them", () => {
  for (const { id } of catalogue) {
    for (const name of [id, id.toUpperCase(), id.split("/").at(-1) ?? ""]) expect(findInCatalogue(name)?.id).toBe(id);
  }
});

it("knows Whisper by its size alone, and names that others use", () => {
  const base = { id: "openai/whisper-base", repository: "onnx-community/whisper-base_timestamped" };
  expect(findInCatalogue("base")).toMatchObject({ ...base, otherwise: "Xenova/whisper-base" });
  expect(findInCatalogue("large-v3")?.id).toBe("openai/whisper-large-v3");
  // As openai-whisper and faster-whisper mean it; the repository of that name has the first large model.
  expect(findInCatalogue("large")?.id).toBe("openai/whisper-large-v3");
  expect(findInCatalogue("openai/whisper-large")?.id).toBe("openai/whisper-large");
  expect(findInCatalogue("turbo")?.id).toBe("openai/whisper-large-v3-turbo");
  expect(findInCatalogue("Qwen/Qwen3-ASR-1.7B-hf")?.id).toBe("Qwen/Qwen3-ASR-1.7B");
});

it("knows what a text-to-speech model does by its name, whoever published it", () => {
  expect(operationsOf("Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice")).toEqual(["custom_voice"]);
  expect(operationsOf("qwen3-tts-12hz-1.7b-voicedesign")).toEqual(["voice_design"]);
  expect(operationsOf("someone/Qwen3-TTS-0.6B-Base-ONNX")).toEqual(["voice_clone"]);
  for (const name of ["someone/a-voice", "Qwen/Qwen3-TTS-Tokenizer-12Hz", "openai/whisper-base", "parlance-voice"]) {
    expect(operationsOf(name), name).toBeUndefined();
  }
  expect(["qwen3-tts-12hz-0.6b-base", "whisper-base", "someone/a-voice"].map(familyByName)).toEqual([
    ...["tts", "asr", undefined],
  ]);
});

it("names every model once, and nothing that it does not know", () => {
  expect(new Set(catalogue.map(({ id }) => id.toLowerCase())).size).toBe(catalogue.length);
  for (const name of ["parlance-en", "some/other", "/some/folder", "whisper", ""]) {
    expect(findInCatalogue(name), name).toBeUndefined();
  }
});
