/** Merged languages against Qwen3-ASR's own function, on cases that models/recipes/qwen3-asr has made with it. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { mergeLanguages } from "./join-text.ts";

const fixture = new URL("../../../asr/src/qwen3-asr/fixtures/utilities.json.gz", import.meta.url);
const { merged: cases }: { merged: [string[], string][] } = JSON.parse(
  gunzipSync(readFileSync(fixture)).toString("utf8"),
);

it("merges languages as the official code does, in 1,200 cases", () => {
  expect(cases.length).toBe(1_200);
  for (const [languages, merged] of cases) expect(mergeLanguages(languages)).toBe(merged);
});
