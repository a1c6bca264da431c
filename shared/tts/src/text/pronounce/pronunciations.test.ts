import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readPronunciations } from "./pronunciations.ts";

const lines = "a ah0\na ey1\nab ae1 b\nabout ah0 b aw1 t\nb's b iy1 z\nzebra z iy1 b r ah0\n";

describe("a lexicon", () => {
  it.each([
    ["plain", Buffer.from(lines)],
    ["zipped", gzipSync(lines)],
    ["without a last line break", Buffer.from(lines.trimEnd())],
    ["in no order", Buffer.from(`zebra z iy1 b r ah0\nab ae1 b\na ah0\nb's b iy1 z\na ey1\nabout ah0 b aw1 t\n`)],
  ])("is read %s", (_, bytes) => {
    const lexicon = readPronunciations(bytes);
    expect(lexicon.find("a")).toEqual([["ah0"], ["ey1"]]);
    expect(lexicon.find("ab")).toEqual([["ae1", "b"]]);
    expect(lexicon.find("about")).toEqual([["ah0", "b", "aw1", "t"]]);
    expect(lexicon.find("b's")).toEqual([["b", "iy1", "z"]]);
    expect(lexicon.find("zebra")).toEqual([["z", "iy1", "b", "r", "ah0"]]);
    for (const unknown of ["", "abo", "abouts", "0", "zz", "b"]) expect(lexicon.find(unknown), unknown).toEqual([]);
    expect(lexicon.has("zebra")).toBe(true);
    expect(lexicon.has("zebr")).toBe(false);
  });

  it("without words knows none; a word without phones is an error that names it", () => {
    expect(readPronunciations(Buffer.alloc(0)).find("a")).toEqual([]);
    expect(() => readPronunciations(Buffer.from("cat\n")).find("cat")).toThrow(/"cat" has no phones/);
  });
});
