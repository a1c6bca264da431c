import { describe, expect, it } from "vitest";
import { MAX_SEED, seedOf } from "../words/seeds.ts";
import {
  addVoiceSchema,
  isStoredVoice,
  type StoredVoice,
  storedVoiceSchema,
  toVoiceAnswer,
  voiceIdOf,
} from "./stored-voices.ts";

const voice: StoredVoice = {
  id: voiceIdOf("Anna"),
  name: "Anna",
  createdAt: 1_700_000_000_999,
  reference: "0f".repeat(32),
  seconds: 3,
  referenceText: "",
  language: "German",
  design: "a calm woman",
  seed: 7,
};

describe("a stored voice", () => {
  it("has the id of its name, whatever the capitals and blanks, and can be told from a model's voice", () => {
    expect(voiceIdOf(" anna\u00a0 M\u00fcller")).toBe(voiceIdOf("Anna Mu\u0308ller"));
    expect(voiceIdOf("Anna")).not.toBe(voiceIdOf("Annaa"));
    expect(isStoredVoice(voiceIdOf("Anna"))).toBe(true);
    for (const other of [undefined, "slt", "voice_1", `${voiceIdOf("Anna")}0`])
      expect(isStoredVoice(other)).toBe(false);
  });

  it("is told without what is kept for the workers", () => {
    expect(toVoiceAnswer(storedVoiceSchema.parse(voice))).toEqual({
      object: "audio.voice",
      id: voice.id,
      name: "Anna",
      created_at: 1_700_000_000,
      seconds: 3,
      language: "German",
      x_vector_only_mode: true,
      design: "a calm woman",
      seed: 7,
    });
  });

  it.each([
    ["a blank name", { name: "  " }],
    ["a name with a line break", { name: "a\nb" }],
    ["a name of 65 characters", { name: "a".repeat(65) }],
    ["a recording by its path", { ref_audio: "/etc/passwd" }],
    ["a blank consent", { consent: " " }],
    ["a seed of 33 bits", { seed: MAX_SEED + 1 }],
    ["half a seed", { seed: 0.5 }],
  ])("is not made with %s", (_name, wrong) => {
    expect(addVoiceSchema.safeParse({ name: "Anna", ref_audio: "f", consent: "yes", ...wrong }).success).toBe(false);
  });
});

describe("a seed that nobody named", () => {
  it("is the same for an item whoever works it out, and another one for every other", () => {
    expect(seedOf("b", "0")).toBe(seedOf("b", "0"));
    const seeds = Array.from({ length: 1_000 }, (_, index) => seedOf("b", String(index)));
    expect(new Set(seeds).size).toBeGreaterThan(995);
    for (const seed of seeds) expect(Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED).toBe(true);
    expect(Math.max(...seeds)).toBeGreaterThan(2 ** 31);
  });
});
