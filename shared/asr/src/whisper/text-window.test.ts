import { SAMPLE_RATE, type WindowMemory } from "@parlance/contracts";
import { describe, expect, it } from "vitest";
import { segment } from "../testing/specimens/specimen.ts";
import type { AsrSegment } from "../types.ts";
import { whisperSectionSchema } from "./manifest-section.ts";
import { hearWindow, whisperWindow, windowSection } from "./text-window.ts";

const languages = new Map([
  ["en", 1],
  ["cy", 2],
]);
const section = whisperSectionSchema.parse({
  ...{ mels: 80, layers: 2, heads: 2, width: 32, positions: 448, vocabulary: 1_000 },
});

describe("a window of a Whisper", () => {
  const open = (memory: WindowMemory | undefined) =>
    whisperWindow(segment(new Int16Array(1), { window: { memory } }), { languages });
  const row = { tokens: [], scores: [], compressionRatio: 1, noSpeechProbability: 0, temperature: 0 };

  function hear(
    text: string,
    memory?: WindowMemory,
    { known = false, silence = false, ...change }: Partial<AsrSegment> & { known?: boolean; silence?: boolean } = {},
  ) {
    const before = open(memory);
    if (before === undefined) throw new Error("it is a window");
    const spoken = { ...row, text, silence, language: before.language ?? "cy", logProbability: -0.2, finished: true };
    return hearWindow(before, spoken, segment(new Int16Array(3 * SAMPLE_RATE), change), known);
  }

  it("is tried once, and is as short as its audio, or shorter where the model's manifest says so", () => {
    expect(windowSection(section)).toMatchObject({ temperatures: [0], tokensPerSecond: 15, spareTokens: 16 });
    const slow = { ...section, tokensPerSecond: 4, spareTokens: 0 };
    expect(windowSection(slow)).toMatchObject({ tokensPerSecond: 4, spareTokens: 0 });
  });

  it("goes on in the language that was pinned, where the model has it", () => {
    const remembered = { rule: "agreement 1", stable: "so it", tail: " was" };
    expect(open({ ...remembered, language: "en" })).toMatchObject({ stable: "so it", language: "en" });
    expect(open({ ...remembered, language: "xx" })).toMatchObject({ stable: "so it", language: undefined });
    expect(hear("So it was dark", { ...remembered, language: "en" })).toMatchObject({
      ...{ text: "so it was dark", language: "English" },
      heard: { stable: "so it was", tail: " dark", memory: { language: "en" } },
    });
    expect(hear("so it was", undefined)).toMatchObject({ language: "Welsh", heard: { memory: { language: "cy" } } });
    expect(whisperWindow(segment(new Int16Array(1)), { languages })).toBeUndefined();
  });

  it("tells English where it translates, and remembers what it heard", () => {
    const told = hear("so it was", undefined, { translate: true });
    expect(told).toMatchObject({ language: "English", heard: { memory: { language: "cy" } } });
    expect(hear("so", undefined, { known: true, translate: true }).heard?.memory).not.toHaveProperty("language");
  });

  it("has no text where nobody speaks", () => {
    expect(hear("Thank you.", undefined, { silence: true })).toMatchObject({
      ...{ text: "", score: null },
      heard: { stable: "", tail: "" },
    });
  });
});
