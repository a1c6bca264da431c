/** Against the official implementation: a small model with random weights, outputs made by models/recipes/qwen3-asr. */
import { largestDifference, relativeDifference } from "@parlance/inference/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogMel } from "../features/log-mel.ts";
import { tokenCount } from "./audio/windows.ts";
import { parseOutput } from "./prompt/spoken-output.ts";
import { goldenClips, readGolden } from "./testing/golden.ts";
import { expected, hidden, noWay, openSmallParts, type SmallParts } from "./testing/small-parts.ts";

const golden = readGolden();
const clips = goldenClips(golden);
let parts: SmallParts;
beforeAll(async () => {
  parts = await openSmallParts();
});
afterAll(() => parts.close());

describe("the clips", () => {
  it("are those of the recipe, sample by sample", () => {
    for (const [name, clip] of clips) {
      expect(clip.reduce((sum, sample) => sum + Math.abs(sample), 0)).toBe(golden.checks[name]);
    }
  });
});

describe("the official answers", () => {
  it("hold every length, silence, noise, forced languages and contexts, in more than 16 rows of unequal prompts", () => {
    const said = golden.rows.map(({ clip }) => clips.get(clip)?.length ?? 0);
    for (const seconds of [0.4, 1, 7, 8, 20, 30]) expect(said).toContain(seconds * 16_000);
    expect(new Set(golden.rows.map(({ clip }) => golden.clips[clip]?.[0]))).toEqual(
      new Set(["voice", "silence", "noise"]),
    );
    expect(golden.rows.filter(({ features }) => features !== undefined).length).toBeGreaterThanOrEqual(12);
    expect(new Set(golden.rows.map(({ language }) => language)).size).toBeGreaterThan(4);
    expect(golden.rows.filter(({ context }) => context !== "").length).toBeGreaterThan(3);
    expect(new Set(golden.rows.slice(0, 16).map(({ prompt }) => prompt.length)).size).toBeGreaterThan(12);
    expect(golden.rows.length).toBeGreaterThan(16);
  });
});

describe("against the official implementation", () => {
  const rowsOfClips = golden.rows.filter(({ features }) => features !== undefined);

  it.each(rowsOfClips)(
    "$clip: features within 1e-4, encoder outputs within 1e-4 of the largest",
    ({ clip, features, embeddings: outputs }) => {
      const samples = Float32Array.from(clips.get(clip) ?? [], (sample) => sample / 32_768);
      const made = createLogMel(128)(samples);
      expect([128, made.frames]).toEqual(features?.shape);
      if (features !== undefined) expect(largestDifference(made.data, features)).toBeLessThan(1e-4);
      const ours = parts.embeddings.get(clip) ?? new Float32Array();
      expect([ours.length / hidden, hidden]).toEqual(outputs?.shape);
      expect(tokenCount(made.frames)).toBe(outputs?.shape[0]);
      if (outputs !== undefined) expect(relativeDifference(ours, outputs)).toBeLessThan(1e-4);
    },
  );

  it("encodes a clip among others as it does alone", async () => {
    for (const name of ["0.4 s", "8.5 s", "20 s"]) {
      const [own = new Float32Array()] = await parts.encoder.encode([clips.get(name) ?? new Int16Array()], noWay);
      const together = parts.embeddings.get(name) ?? new Float32Array();
      expect(own.length).toBe(together.length);
      expect(largestDifference(own, { step: 1, data: together })).toBeLessThan(1e-5);
    }
  });

  it("writes the same prompts, with context and forced language", () => {
    for (const row of golden.rows) {
      expect(parts.promptRow(row).tokens).toEqual(row.prompt);
      expect(parts.promptRow(row).budget).toBe(row.budget);
    }
  });

  it("reads the same text and language out of the tokens", () => {
    for (const row of golden.rows) {
      const raw = parts.tokenizer.decode(expected(row).tokens);
      expect(raw).toBe(row.raw);
      const { language, text } = parseOutput(raw, row.language ?? undefined);
      expect([language, text]).toEqual(row.answer);
    }
  });
});
