import { describe, expect, it } from "vitest";
import { type FamilyList, familiesMeant } from "./families-meant.ts";

function list(family: FamilyList["family"], ids: string[]): FamilyList {
  const models = ids.map((id) => ({
    id,
    folder: `/models/${id}`,
    family,
    architecture: "x",
    bytes: 1,
    complete: true,
  }));
  return { worker: family, family, selected: ids[0] ?? "", phase: "unloaded", models };
}
const both = [list("asr", ["parlance-en", "twin"]), list("tts", ["parlance-voice", "twin"])];

describe("the family of a model that is to be loaded", () => {
  it("is the one whose workers have it, by its name or its folder", () => {
    expect(familiesMeant("load", "parlance-voice", both)).toEqual(["tts"]);
    expect(familiesMeant("reload", "/models/parlance-voice", both)).toEqual(["tts"]);
    expect(familiesMeant("load", "parlance-en", both)).toEqual(["asr"]);
  });

  it("is the catalogue's for a name that it knows, and speech recognition's for another one of a hub", () => {
    expect(familiesMeant("load", "openai/whisper-base", both)).toEqual(["asr"]);
    expect(familiesMeant("load", "someone/own-model", both)).toEqual(["asr"]);
    expect(familiesMeant("load", "Qwen/Qwen3-TTS-12Hz-0.6B-Base", both)).toEqual(["tts"]);
  });

  it("must be said for a name that both have, and without a name", () => {
    expect(() => familiesMeant("load", "twin", both)).toThrow(
      "twin is a model of asr and of tts: say which with --family",
    );
    expect(() => familiesMeant("load", undefined, both)).toThrow(
      "say which model, or --family asr or tts: there are parlance-en, twin, parlance-voice",
    );
    expect(familiesMeant("load", undefined, both.slice(1))).toEqual(["tts"]);
  });

  it("is unknown where no worker could have it: that says what there is", () => {
    expect(() => familiesMeant("load", "nobody", both.slice(1))).toThrow(
      'model: "nobody" is not on this machine (parlance-voice, twin)',
    );
  });

  it("is every one to unload", () => {
    expect(familiesMeant("unload", undefined, both)).toEqual(["asr", "tts"]);
    expect(familiesMeant("unload", undefined, both.slice(0, 1))).toEqual(["asr"]);
  });
});
