import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { repairRepetitions, repairTranscript } from "./repetition.ts";

/** The rule word for word as it is described, quadratic and recursive. */
function described(text: string): string {
  const points: string[] = [];
  const source = Array.from(text);
  for (let start = 0; start < source.length; ) {
    let end = start;
    while (source[end] === source[start] && end < source.length) end++;
    points.push(...source.slice(start, end - start > 20 ? start + 1 : end));
    start = end;
  }
  return patterns(points).join("");
}

function patterns(points: string[]): string[] {
  const output: string[] = [];
  for (let index = 0; index <= points.length - 40; index++) {
    for (let unit = 1; unit <= 20 && index + unit * 20 <= points.length; unit++) {
      const pattern = points.slice(index, index + unit).join("\0");
      let times = 0;
      while (points.slice(index + times * unit, index + (times + 1) * unit).join("\0") === pattern) times++;
      if (times < 20) continue;
      return [...output, ...points.slice(index, index + unit), ...patterns(points.slice(index + times * unit))];
    }
    output.push(points[index] ?? "");
  }
  return [...output, ...points.slice(output.length)];
}

describe("repairRepetitions", () => {
  it("keeps runs of 20 and makes longer runs one character", () => {
    expect(repairRepetitions("a".repeat(20))).toBe("a".repeat(20));
    expect(repairRepetitions("a".repeat(21))).toBe("a");
    expect(repairRepetitions(`so ${"o".repeat(500)} good`)).toBe("so o good");
  });

  it("counts code points and not UTF-16 units", () => {
    expect(repairRepetitions("😀".repeat(20))).toBe("😀".repeat(20));
    expect(repairRepetitions("😀".repeat(21))).toBe("😀");
  });

  it("keeps a unit that stands 19 times and reduces one that stands 20 times", () => {
    expect(repairRepetitions("ha ".repeat(19))).toBe("ha ".repeat(19));
    expect(repairRepetitions("ha ".repeat(20))).toBe("ha ");
    expect(repairRepetitions(`well ${"thank you. ".repeat(30)}bye`)).toBe("well thank you. bye");
  });

  it("leaves units of more than 20 characters alone", () => {
    const unit = "abcdefghijklmnopqrstu";
    expect(repairRepetitions(unit.repeat(25))).toBe(unit.repeat(25));
    expect(repairRepetitions(unit.slice(1).repeat(25))).toBe(unit.slice(1));
  });

  it("goes on behind a repaired repetition", () => {
    expect(repairRepetitions(`${"ab".repeat(25)}-${"cde".repeat(22)}!`)).toBe("ab-cde!");
  });

  it("does as the rule is described, on texts that repeat a lot", () => {
    const text = fc
      .array(
        fc.tuple(
          fc.string({ unit: fc.constantFrom("a", "b", "é", "😀"), maxLength: 22 }),
          fc.integer({ min: 1, max: 24 }),
        ),
        {
          maxLength: 6,
        },
      )
      .map((parts) => parts.map(([unit, times]) => unit.repeat(times)).join(""));
    fc.assert(
      fc.property(text, (sample) => {
        expect(repairRepetitions(sample)).toBe(described(sample));
      }),
      { numRuns: 300 },
    );
  });

  it("takes linear time on near repetitions", () => {
    const nearly = Array.from({ length: 2_000 }, (_, n) => "abcdefghij".repeat(19) + String(n % 7)).join("");
    const before = performance.now();
    expect(repairRepetitions(nearly)).toBe(nearly);
    expect(repairRepetitions("ab".repeat(100_000))).toBe("ab");
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});

describe("repairTranscript", () => {
  const word = (text: string, start: number) => ({ text, start, end: start + 1 });

  it("answers text and words alike when nothing repeats", () => {
    const words = [word("a", 0), word("b", 1)];
    expect(repairTranscript("a b", words)).toEqual({ text: "a b", words, stretches: [] });
  });

  it("drops the words that are cut away and keeps the first of them with its times", () => {
    const text = ["so", ...Array.from({ length: 30 }, () => "no"), "yes"];
    const repaired = repairTranscript(
      text.join(" "),
      text.map((part, index) => word(part, index)),
    );
    // The unit is "o n": the rule keeps "o n" of "so n" and the last "o".
    expect(repaired.text).toBe(described(text.join(" ")));
    expect(repaired.words.map(({ text }) => text).join(" ")).toBe(repaired.text);
    expect(repaired.words.at(-1)).toEqual(word("yes", 31));
    expect(repaired.words.at(1)).toEqual(word("no", 1));
  });

  it("cuts the stretches as it cuts the text that they cover", () => {
    const stretch = (text: string, start: number) => ({
      ...{ start, end: start + 5, text, tokens: [1], temperature: 0 },
      ...{ avg_logprob: -1, compression_ratio: 9, no_speech_prob: 0 },
    });
    const parts = ["So it", `${" no".repeat(15)}`, `${" no".repeat(15)}`, " no yes."];
    const covering = parts.map((part, index) => stretch(part, 5 * index));
    const repaired = repairTranscript(parts.join(""), [], covering);
    expect(repaired.text).toBe("So it no yes.");
    expect(repaired.stretches.map(({ text, start }) => [text, start])).toEqual([
      ["So it", 0],
      [" no ", 5],
      ["yes.", 15],
    ]);
    expect(repaired.stretches.every(({ compression_ratio }) => compression_ratio < 1)).toBe(true);
    // As another architecture writes them: with a space before the first.
    const spaced = repairTranscript(parts.join(""), [], [stretch(` ${parts[0]}`, 0), ...covering.slice(1)]);
    expect(spaced.stretches.map(({ text }) => text).join("")).toBe(repaired.text);
    expect(repairTranscript("so it", [], [stretch("so it", 0)]).stretches).toEqual([stretch("so it", 0)]);
  });

  it("shortens a word that is itself a repetition", () => {
    expect(repairTranscript(`a ${"h".repeat(30)} b`, [word("a", 0), word("h".repeat(30), 1), word("b", 2)])).toEqual({
      text: "a h b",
      words: [word("a", 0), word("h", 1), word("b", 2)],
      stretches: [],
    });
  });
});
