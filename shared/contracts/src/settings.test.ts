import { describe, expect, it } from "vitest";
import { readSettings } from "./settings.ts";

describe("settings", () => {
  it("defaults are values that the schemas accept", () => {
    expect(readSettings(["PORT", "MAX_BATCH_SIZE", "IDLE_TIMEOUT", "API_KEYS", "ENABLE_ASR"], {})).toEqual({
      PORT: 8100,
      MAX_BATCH_SIZE: 16,
      IDLE_TIMEOUT: 120,
      API_KEYS: [],
      ENABLE_ASR: true,
    });
  });

  it.each([
    ["ASR_MODEL_ID", "MODEL_ID", "whisper-base"],
    ["ASR_BATCH_SIZE", "MAX_BATCH_SIZE", "8"],
    ["ASR_MAX_BATCH_SIZE", "MAX_BATCH_SIZE", "8"],
    ["ASR_CACHE_DIR", "ASR_MODEL_ROOT", "models"],
    ["ENABLE_FASTER_WHISPER", "ENABLE_ASR", "false"],
    ["HF_ENDPOINT", "MODEL_HUB", "http://127.0.0.1:1"],
    ["HF_TOKEN", "MODEL_HUB_TOKEN", "hf_x"],
  ] as const)("%s is another name of %s", (alias, name, value) => {
    expect(String(readSettings([name], { [alias]: value })[name])).toBe(value);
  });

  it("a bad value stops the start and names the setting", () => {
    expect(() => readSettings(["PORT"], { PORT: "eighty" })).toThrow(/^PORT: .*"eighty"/);
    expect(() => readSettings(["MAX_BATCH_SIZE"], { ASR_BATCH_SIZE: "33" })).toThrow(/^ASR_BATCH_SIZE: /);
    expect(() => readSettings(["ASR_DEVICE"], { ASR_DEVICE: "tpu" })).toThrow(/^ASR_DEVICE: must be auto/);
  });

  it("two names of one setting that disagree stop the start", () => {
    expect(() => readSettings(["MODEL_ID"], { MODEL_ID: "a", ASR_MODEL_ID: "b" })).toThrow(/MODEL_ID and ASR_MODEL_ID/);
    const batch = { ASR_BATCH_SIZE: "8", ASR_MAX_BATCH_SIZE: "16" };
    expect(() => readSettings(["MAX_BATCH_SIZE"], batch)).toThrow(
      /ASR_MAX_BATCH_SIZE and ASR_BATCH_SIZE name one setting/,
    );
    expect(readSettings(["MODEL_ID"], { MODEL_ID: "a", ASR_MODEL_ID: "a" }).MODEL_ID).toBe("a");
  });

  it("a misspelt setting stops the start", () => {
    expect(() => readSettings(["PORT"], { ASR_DEVISE: "cpu" })).toThrow(/ASR_DEVISE is not a setting/);
  });

  it("a secret's value is never shown", () => {
    expect(() => readSettings(["API_KEYS"], { API_KEYS: "a", API_KEY: "b" })).toThrow(
      /^API_KEYS and API_KEY name one setting/,
    );
    expect(() => readSettings(["MODEL_HUB_TOKEN"], { HF_TOKEN: "se cret" })).toThrow(/^HF_TOKEN: must be one word$/);
  });
});
