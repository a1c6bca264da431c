/** Every function that the official code has too, on the recipe's generated cases. */
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { repairRepetitions } from "../repetition.ts";
import { tokenCount } from "./audio/windows.ts";
import { normaliseLanguageName, parseOutput } from "./prompt/spoken-output.ts";
import { readFixture } from "./testing/golden.ts";
import { alignmentWords } from "./words/alignment-words.ts";
import { repairTimes } from "./words/time-repair.ts";

const texts = z.array(z.tuple([z.string(), z.string()]));
const cases = z
  .object({
    repetitions: texts,
    outputs: z.array(z.tuple([z.string(), z.string().nullable(), z.tuple([z.string(), z.string()])])),
    names: texts,
    tokenCounts: z.array(z.number()),
    times: z.array(z.tuple([z.array(z.number()), z.array(z.number())])),
    words: z.array(z.tuple([z.string(), z.array(z.string())])),
  })
  .parse(readFixture("utilities.json.gz"));

describe("against the official utilities", () => {
  it("has more than a thousand cases of each", () => {
    for (const each of Object.values(cases)) expect(each.length).toBeGreaterThan(1_000);
  });

  it("repairs repetitions", () => {
    for (const [text, repaired] of cases.repetitions) expect(repairRepetitions(text)).toBe(repaired);
  });

  it("reads language and text out of what the model writes", () => {
    for (const [raw, forced, answer] of cases.outputs) {
      const { language, text } = parseOutput(raw, forced ?? undefined);
      expect([language, text], JSON.stringify(raw)).toEqual(answer);
    }
  });

  it("writes language names, and refuses an empty one", () => {
    for (const [name, normalised] of cases.names) expect(normaliseLanguageName(name)).toBe(normalised);
    expect(() => normaliseLanguageName(" \x1c")).toThrow("empty");
  });

  it("counts the tokens of so many frames", () => {
    expect(cases.tokenCounts.map((_, frames) => tokenCount(frames))).toEqual(cases.tokenCounts);
  });

  it("repairs times, and no times at all, at which the official code fails", () => {
    for (const [times, repaired] of cases.times) expect(repairTimes(times)).toEqual(repaired);
    expect(repairTimes([])).toEqual([]);
  });

  it("splits text into the words to align", () => {
    for (const [text, words] of cases.words) expect(alignmentWords(text, "German")).toEqual(words);
  });
});
