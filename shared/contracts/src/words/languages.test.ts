import { describe, expect, it } from "vitest";
import { findLanguage, languageCodes, languageNames, languageSchema } from "./languages.ts";

describe("languages", () => {
  it("all of them and auto are found by name and code in any case", () => {
    expect(languageNames).toHaveLength(100);
    for (const name of languageNames) {
      expect(findLanguage(name.toUpperCase())).toBe(name);
      expect(findLanguage(languageCodes[name])).toBe(name);
    }
    expect(new Set(Object.values(languageCodes)).size).toBe(100);
    expect(findLanguage("AUTO")).toBe("auto");
    expect(findLanguage("en-US")).toBe("English");
    expect(findLanguage(" cantonese ")).toBe("Cantonese");
    expect(findLanguage("yue")).toBe("Cantonese");
    expect(findLanguage("tlh")).toBeUndefined();
  });

  it("nothing is auto where a language may be named, and no language where one is meant", () => {
    for (const text of ["", "  "]) expect(languageSchema.parse(text)).toBe("auto");
    expect(findLanguage("")).toBeUndefined();
    expect(languageSchema.safeParse("tlh").success).toBe(false);
  });

  it.each([
    ["mandarin", "Chinese"],
    ["Burmese", "Myanmar"],
    ["flemish", "Dutch"],
    ["haitian", "Haitian Creole"],
    ["tagalog", "Filipino"],
    ["tl", "Filipino"],
    ["fil-PH", "Filipino"],
    ["jw", "Javanese"],
    ["iw", "Hebrew"],
    ["sw", "Swahili"],
  ])("%s is %s", (text, name) => {
    expect(findLanguage(text)).toBe(name);
  });
});
