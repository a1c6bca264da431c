import { expect, it } from "vitest";
import { goesBy } from "./goes-by.ts";

it("takes a model for meant by its whole name, the last part of it, and what the catalogue knows it by", () => {
  for (const name of ["Systran/faster-whisper", "systran/FASTER-whisper", "faster-whisper"]) {
    expect(goesBy(name, "Systran/faster-whisper"), name).toBe(true);
  }
  for (const name of ["openai/whisper-base", "whisper-base", "base"]) {
    expect(goesBy(name, "openai/whisper-base"), name).toBe(true);
    expect(goesBy(name, "whisper-base"), name).toBe(true);
  }
  expect(goesBy("my-model", "/models/my-model")).toBe(true);
  expect(goesBy("Qwen/Qwen3-ASR-0.6B-hf", "qwen3-asr-0.6b")).toBe(true);
});

it("takes no model of another owner, another size or half a name for meant", () => {
  expect(goesBy("someone/whisper", "other/whisper")).toBe(false);
  expect(goesBy("whisper-small", "openai/whisper-base")).toBe(false);
  expect(goesBy("whisper", "openai/whisper-base")).toBe(false);
  expect(goesBy("", "openai/whisper-base")).toBe(false);
  expect(goesBy("models", "/models/my-model")).toBe(false);
});
