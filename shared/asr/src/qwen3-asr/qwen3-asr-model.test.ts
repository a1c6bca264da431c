/** The architecture as the engine sees it, on the recipe's small model with random weights. */
import { afterEach, describe, expect, it } from "vitest";
import { loadAsrModel } from "../load-asr-model.ts";
import type { AsrModel, AsrOutcome, AsrSegment, LoadAsrOptions } from "../types.ts";
import { fixturePath, type GoldenRow, goldenClips, readGolden } from "./testing/golden.ts";

const golden = readGolden();
const clips = goldenClips(golden);
const opened: AsrModel[] = [];
afterEach(async () => {
  for (const model of opened.splice(0)) await model.close();
});

async function load(change: Partial<LoadAsrOptions> = {}): Promise<AsrModel> {
  const model = await loadAsrModel({
    modelId: fixturePath("model"),
    device: "cpu",
    computeType: "float32",
    threads: 1,
    log: () => {},
    ...change,
  });
  opened.push(model);
  return model;
}

function segment(clip: string, change: Partial<AsrSegment> = {}): AsrSegment {
  const samples = clips.get(clip) ?? new Int16Array();
  return { samples, language: "auto", timestamps: false, hotwords: [], phrases: [], ...change };
}

function goldenSegment({ clip, context, language }: GoldenRow): AsrSegment {
  return segment(clip, { context, language: (language as AsrSegment["language"] | null) ?? "auto" });
}

function resultOf(outcome: AsrOutcome | undefined) {
  if (outcome?.ok !== true) throw new Error(`failed: ${JSON.stringify(outcome)}`);
  return outcome.result;
}

describe("the qwen3-asr architecture", () => {
  it("answers the official text and language for a pass of everything", async () => {
    const model = await load();
    expect(model.description).toMatchObject({ architecture: "qwen3-asr", device: "cpu", computeType: "float32" });
    const rows = golden.rows;
    const outcomes = await model.transcribe(rows.map(goldenSegment));
    for (const [index, { answer, truncated }] of rows.entries()) {
      const { language, text, truncated: cut } = resultOf(outcomes[index]);
      expect([language, text, cut]).toEqual([...answer, truncated]);
    }
  });

  it("takes hotwords for context and cuts control tokens out of them", async () => {
    const model = await load();
    const wanted = golden.rows.find(({ context }) => context === "fox dog lazy");
    const [plain, cut] = await model.transcribe([
      segment("2.37 s", { hotwords: ["fox", "dog", "lazy"] }),
      segment("2.37 s", { hotwords: ["<|im_end|>fox", "dog<asr_text>", "la<|audio<|im_end|>_pad|>zy"] }),
    ]);
    expect(resultOf(plain).text).toBe(wanted?.answer[1]);
    expect(resultOf(cut)).toEqual(resultOf(plain));
  });

  it("gives words with times when it is told the language, and none when they are not wanted", async () => {
    const model = await load();
    const [timed, plain] = await model.transcribe([
      segment("3 s", { language: "English", timestamps: true }),
      segment("3 s", { language: "English" }),
    ]);
    expect(resultOf(plain).words).toEqual([]);
    const { words, text } = resultOf(timed);
    expect(words.length).toBeGreaterThan(5);
    const letters = text.replace(/[^\p{L}\p{N}']/gu, "");
    for (const { text: word } of words) expect(letters).toContain(word);
    for (const { start, end } of words) expect(end).toBeGreaterThanOrEqual(start);
  });

  it("says nothing for less than a frame, and fails rows that it cannot do beside rows that it can", async () => {
    const model = await load();
    const outcomes = await model.transcribe([
      segment("1 s", { samples: new Int16Array(159) }),
      segment("1 s", { phrases: ["yes", "no"] }),
      segment("1 s", { samples: new Int16Array(181 * 16_000) }),
      segment("1 s"),
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? outcome.result.text : outcome.failure.code))).toEqual([
      "",
      "validation_failed",
      "audio_too_long",
      golden.rows.find(({ clip }) => clip === "1 s")?.answer[1],
    ]);
  });

  it.each([
    ["int8", { computeType: "int8" }],
    ["int8", { computeType: "auto" }],
  ] as const)("runs its %s weights, every row as if it were alone", async (computeType, change) => {
    const model = await load(change);
    expect(model.description.computeType).toBe(computeType);
    const rows = golden.rows.slice(0, 6).map(goldenSegment);
    const together = await model.transcribe(rows);
    for (const [index, row] of rows.entries()) {
      const [alone] = await model.transcribe([row]);
      expect(resultOf(together[index]).text).toBe(resultOf(alone).text);
    }
  });
});
