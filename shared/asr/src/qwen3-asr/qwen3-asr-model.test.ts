/** The architecture as the engine sees it, on the recipe's small model with random weights. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runWhole } from "@parlance/inference";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadAsrModel } from "../load-asr-model.ts";
import { repairRepetitions } from "../repetition.ts";
import type { AsrModel, AsrOutcome, AsrSegment, LoadAsrOptions } from "../types.ts";
import { fixturePath, type GoldenRow, goldenClips, readGolden } from "./testing/golden.ts";

const golden = readGolden();
const clips = goldenClips(golden);
const opened: AsrModel[] = [];
const logged: string[] = [];
let model: AsrModel;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "qwen3-asr-"));
  model = await load();
});
afterAll(async () => {
  for (const each of opened) await each.close();
  await rm(folder, { recursive: true });
});

async function load(change: Partial<LoadAsrOptions> = {}): Promise<AsrModel> {
  const loaded = await loadAsrModel({
    modelId: fixturePath("model"),
    device: "cpu",
    computeType: "float32",
    threads: 1,
    log: (message) => logged.push(message),
    ...change,
  });
  opened.push(loaded);
  return loaded;
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
    expect(model.description).toMatchObject({ architecture: "qwen3-asr", device: "cpu", computeType: "float32" });
    const rows = golden.rows;
    const outcomes = await model.transcribe(rows.map(goldenSegment));
    for (const [index, { answer, truncated }] of rows.entries()) {
      const { language, text, truncated: cut } = resultOf(outcomes[index]);
      expect([language, text, cut]).toEqual([...answer, truncated]);
    }
  });

  it("takes hotwords for context and cuts control tokens out of them", async () => {
    const wanted = golden.rows.find(({ context }) => context === "fox dog lazy");
    const [plain, cut] = await model.transcribe([
      segment("2.37 s", { hotwords: ["fox", "dog", "lazy"] }),
      segment("2.37 s", { hotwords: ["<|im_end|>fox", "dog<asr_text>", "la<|audio<|im_end|>_pad|>zy"] }),
    ]);
    expect(resultOf(plain).text).toBe(wanted?.answer[1]);
    expect(resultOf(cut)).toEqual(resultOf(plain));
  });

  it("gives words with times when it is told the language, and none when they are not wanted", async () => {
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

  it("tells the tokens of a text and their log-probabilities where they are wanted", async () => {
    const rows = golden.rows.filter(({ context }) => context === "");
    const outcomes = await model.transcribe(rows.map((row) => ({ ...goldenSegment(row), logprobs: true })));
    const plain = await model.transcribe(rows.map(goldenSegment));
    for (const [index, outcome] of outcomes.entries()) {
      const { tokens = [], ...rest } = resultOf(outcome);
      expect(rest).toEqual(resultOf(plain[index]));
      const said = Buffer.concat(tokens.map(({ bytes }) => Uint8Array.from(bytes))).toString();
      expect(repairRepetitions(said)).toBe(rest.text);
      for (const { token, logprob, bytes } of tokens) {
        expect(logprob).toBeLessThanOrEqual(0);
        expect(token).toBe(Buffer.from(bytes).toString());
        expect(token).not.toContain("<asr_text>");
      }
      // Of a text that was repaired, they are not the tokens.
      const own = rest.stretches.flatMap((stretch) => stretch.tokens);
      expect(own).toHaveLength(said === rest.text ? tokens.length : 0);
    }
    const [short] = await model.transcribe([segment("1 s", { samples: new Int16Array(159), logprobs: true })]);
    expect(resultOf(short)).toMatchObject({ text: "", tokens: [], stretches: [] });
  });

  it("gives words the probability of their tokens, and stretches their own tokens", async () => {
    const [outcome] = await model.transcribe([
      segment("3 s", { language: "English", timestamps: true, logprobs: true }),
    ]);
    const { words, stretches, tokens = [], text } = resultOf(outcome);
    for (const { confidence } of words) {
      expect(confidence).toBeGreaterThan(0);
      expect(confidence).toBeLessThanOrEqual(1);
    }
    // Each word's tokens are found again in the text, by its letters.
    const [first] = words;
    const holding = tokens.filter(({ token }) => (first?.text ?? "-").includes(token.trim()) && token.trim() !== "");
    expect(holding.length).toBeGreaterThan(0);
    expect(stretches.map((stretch) => stretch.text).join("")).toBe(text);
    expect(stretches.flatMap((stretch) => stretch.tokens)).toHaveLength(tokens.length);
    expect(stretches[0]?.start).toBe(first?.start);
  });

  it("samples above a temperature of 0: the same for the same audio, and tells the temperature", async () => {
    const warm = segment("3 s", { language: "English", temperature: 1 });
    const [greedy, sampled, again, phrase] = await model.transcribe([
      segment("3 s", { language: "English" }),
      warm,
      warm,
      { ...warm, phrases: ["the fox", "the dog"] },
    ]);
    const [alone] = await model.transcribe([warm]);
    expect(resultOf(sampled).text).not.toBe(resultOf(greedy).text);
    expect(resultOf(again).text).toBe(resultOf(sampled).text);
    expect(resultOf(alone).text).toBe(resultOf(sampled).text);
    expect(resultOf(sampled).stretches.map(({ temperature }) => temperature)).toEqual([1]);
    expect(resultOf(phrase).stretches.map(({ temperature }) => temperature)).toEqual([0]);
  });

  it("tells of a growing text what it begins with, in whole words, and each thing once", async () => {
    const parts: string[][] = golden.rows.map(() => []);
    const outcomes = await runWhole(model.run, golden.rows.map(goldenSegment), (row, { text }) =>
      parts[row]?.push(text),
    );
    for (const [index, outcome] of outcomes.entries()) {
      const { text } = resultOf(outcome);
      for (const [place, part] of (parts[index] ?? []).entries()) {
        const next = parts[index]?.[place + 1] ?? text;
        expect(next.startsWith(part), JSON.stringify([part, next])).toBe(true);
        expect(part.length).toBeGreaterThan(parts[index]?.[place - 1]?.length ?? 0);
        expect(part.trimEnd()).toBe(part);
      }
    }
    expect(parts.filter((each) => each.length > 1).length).toBeGreaterThan(4);
  });

  it("refuses to translate, beside rows that it does", async () => {
    const [refused, done] = await model.transcribe([segment("1 s", { translate: true }), segment("1 s")]);
    expect(refused).toMatchObject({ ok: false, failure: { code: "validation_failed", param: "translate" } });
    expect(done?.ok).toBe(true);
  });

  it("chooses among phrases, whatever their order, with a score that is a probability among them", async () => {
    const phrases = ["the fox", "a hard problem", "好", "then the other fox says that it was not there at all"];
    const [one, other, single] = await model.transcribe([
      segment("2.37 s", { language: "English", phrases }),
      segment("2.37 s", { language: "English", phrases: phrases.toReversed() }),
      segment("2.37 s", { language: "English", phrases: ["好"], timestamps: true }),
    ]);
    expect(phrases).toContain(resultOf(one).text);
    expect(resultOf(other).text).toBe(resultOf(one).text);
    expect(resultOf(one).score).toBeLessThan(0);
    expect(resultOf(one).score).toBeGreaterThan(Math.log(1 / phrases.length));
    expect(resultOf(single)).toMatchObject({ text: "好", score: 0, truncated: false });
    expect(resultOf(single).words.map(({ text }) => text)).toEqual(["好"]);
  });

  it("says nothing for less than a frame, and fails rows that it cannot do beside rows that it can", async () => {
    const outcomes = await model.transcribe([
      segment("1 s", { samples: new Int16Array(159) }),
      segment("1 s", { samples: new Int16Array(181 * 16_000) }),
      segment("1 s"),
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? outcome.result.text : outcome.failure.code))).toEqual([
      "",
      "audio_too_long",
      golden.rows.find(({ clip }) => clip === "1 s")?.answer[1],
    ]);
  });

  /** The fixture's folder without the files of some roles. */
  async function without(roles: RegExp): Promise<string> {
    const copy = join(folder, String(opened.length));
    await cp(fixturePath("model"), copy, { recursive: true });
    const manifest = JSON.parse(await readFile(join(copy, "manifest.json"), "utf8"));
    for (const role of Object.keys(manifest.files)) if (roles.test(role)) delete manifest.files[role];
    if (manifest.files.alignerEncoder === undefined) delete manifest["qwen3-asr"].aligner;
    await writeFile(join(copy, "manifest.json"), JSON.stringify(manifest));
    return copy;
  }

  it.each([
    ["int8", /^$/],
    ["int4", /^(?:encoder|decoder|weights)\.int8$|^aligner/],
  ])("prefers %s weights on the CPU, and answers each row as if it were alone", async (computeType, missing) => {
    const small = await load({ computeType: "auto", modelId: await without(missing) });
    expect(small.description.computeType).toBe(computeType);
    const rows = golden.rows.slice(0, 4).map(goldenSegment);
    const together = await small.transcribe(rows);
    for (const [index, row] of rows.entries()) {
      const [alone] = await small.transcribe([row]);
      expect(resultOf(together[index]).text).toBe(resultOf(alone).text);
    }
  });

  it("says once that a model without an aligner gives no word times", async () => {
    logged.length = 0;
    const plain = await load({ modelId: await without(/^aligner/) });
    const row = segment("1 s", { language: "English", timestamps: true });
    const [outcome] = await plain.transcribe([row]);
    await plain.transcribe([row]);
    expect(resultOf(outcome).words).toEqual([]);
    expect(logged.filter((message) => message.includes("aligner"))).toHaveLength(1);
  });

  it("names the field of the manifest that is wrong", async () => {
    const copy = await without(/^aligner/);
    const manifest = JSON.parse(await readFile(join(copy, "manifest.json"), "utf8"));
    manifest["qwen3-asr"].headSize = 0;
    await writeFile(join(copy, "manifest.json"), JSON.stringify(manifest));
    await expect(load({ modelId: copy })).rejects.toThrow("qwen3-asr.headSize");
  });
});
