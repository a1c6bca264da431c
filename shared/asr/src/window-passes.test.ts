/** Windows of live speech through the graphs of every architecture; the rules themselves are tested beside them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MAX_MEMORY_BYTES, SAMPLE_RATE, type WindowMemory } from "@parlance/contracts";
import { thoroughly } from "@parlance/contracts/testing";
import { runScript } from "@parlance/inference/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { architectures } from "./architectures.ts";
import { loadAsrModel } from "./load-asr-model.ts";
import { smallModels } from "./testing/small-models.ts";
import { specimens } from "./testing/specimens/index.ts";
import { segment } from "./testing/specimens/specimen.ts";
import type { AsrModel, AsrOutcome, AsrResult, AsrSegment } from "./types.ts";
import { writePublishedModel, writeTinyModel } from "./whisper/testing/tiny-model.ts";
import { withoutLastLoop } from "./windows/loops.ts";

const clips = (architecture: string) =>
  (specimens.get(architecture) ?? [])
    .flatMap(({ modelId, rows }) => (architecture !== "ctc" || modelId !== undefined ? rows : []))
    .map(({ samples }) => samples)
    .filter(({ length }) => length > 2 * SAMPLE_RATE);

interface Heard {
  name: string;
  architecture: string;
  write?: ((folder: string) => Promise<void>) | undefined;
  /** Cadence in seconds: random models say much of any window. */
  step: number;
}

const models: Heard[] = [
  { name: "parlance-en", architecture: "ctc", step: 0.3 },
  {
    name: "Whisper, the project's own",
    write: (folder) => writeTinyModel(folder, "multilingual-80", { maxTokens: 16 }),
    ...{ architecture: "whisper", step: 2.5 },
  },
  ...["Qwen3-ASR, the project's own", ...thoroughly(["Qwen3-ASR, split"])].map((name) => ({
    ...{ name, write: smallModels[name] },
    ...{ architecture: "qwen3-asr", step: 2.5 },
  })),
  ...thoroughly([
    {
      name: "Whisper, split",
      write: (folder: string) => writePublishedModel(folder, "split", 4),
      ...{ architecture: "whisper", step: 2.5 },
    },
  ]),
];

it("every architecture hears windows", () => {
  expect(new Set(models.map(({ architecture }) => architecture))).toEqual(new Set(architectures.keys()));
});

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "windows-"));
});
afterAll(() => rm(root, { recursive: true }));

function resultOf(outcome: AsrOutcome | undefined): AsrResult {
  if (outcome?.ok !== true) throw new Error(JSON.stringify(outcome));
  return outcome.result;
}

function heardOf(outcome: AsrOutcome | undefined) {
  const { heard, text, words, stretches, tokens } = resultOf(outcome);
  if (heard === undefined) throw new Error("nothing was heard of a window");
  expect({ text, words, stretches, tokens }).toEqual({
    ...{ text: heard.stable + heard.tail, words: [], stretches: [], tokens: undefined },
  });
  expect(JSON.stringify(heard.memory).length).toBeLessThan(MAX_MEMORY_BYTES);
  return heard;
}

const wordsOf = (text: string) => text.split(/\s+/).filter((word) => word !== "");

describe.each(models)("$name", ({ name, architecture, write, step }) => {
  let model: AsrModel;
  const [clip = new Int16Array(), ...others] = clips(architecture);

  beforeAll(async () => {
    const folder = join(root, name);
    await write?.(folder);
    const modelId = write === undefined ? name : folder;
    model = await loadAsrModel({ modelId, device: "cpu", computeType: "auto", threads: 1, log: () => {} });
  }, 60_000);
  afterAll(() => model.close());

  const hear = async (samples: Int16Array, memory?: WindowMemory, change: Partial<AsrSegment> = {}) => {
    const [outcome] = await model.transcribe([segment(samples, { ...change, window: { memory } })]);
    return { ...heardOf(outcome), language: resultOf(outcome).language };
  };

  it("tells windows of an utterance that grows: what is stable stays, and nothing that loops is", async () => {
    let last: Awaited<ReturnType<typeof hear>> | undefined;
    const named = architecture === "ctc" ? "auto" : "English";
    for (let seconds = step; seconds < clip.length / SAMPLE_RATE + 1.2; seconds += step) {
      const samples = new Int16Array(Math.round(seconds * SAMPLE_RATE));
      samples.set(clip.subarray(0, samples.length));
      const next = await hear(samples, last && JSON.parse(JSON.stringify(last.memory)), { language: named });
      expect(next.stable.startsWith(last?.stable ?? "")).toBe(true);
      expect(withoutLastLoop(next.stable)).toBe(next.stable);
      last = next;
    }
    if (architecture !== "ctc") return;
    // Weights that are not random come to what the file says.
    const [file] = await model.transcribe([segment(clip)]);
    const said = wordsOf(resultOf(file).text);
    const same = wordsOf(last?.stable ?? "").filter((word) => said.includes(word));
    expect(said.length).toBeGreaterThan(5);
    expect(same.length).toBeGreaterThanOrEqual(0.8 * said.length);
  });

  it("hears windows and files in one pass as each alone", async () => {
    const { memory } = await hear(clip);
    const rows = [
      segment(clip, { window: { memory } }),
      segment(clip, { timestamps: true }),
      ...others.slice(0, 1).map((samples) => segment(samples, { window: { memory: undefined } })),
      segment(clip.subarray(0, 2 * SAMPLE_RATE), { window: { memory: undefined }, hotwords: ["fox"] }),
    ];
    const together = await model.transcribe(rows);
    expect(together.map((outcome) => outcome.ok)).toEqual(rows.map(() => true));
    for (const [index, row] of rows.entries()) {
      const [alone] = await model.transcribe([row]);
      const [one, other] = [resultOf(together[index]), resultOf(alone)];
      expect({ ...one, score: 0, stretches: [], words: [] }).toEqual({ ...other, score: 0, stretches: [], words: [] });
      expect(one.words.length).toBe(other.words.length);
    }
  });

  it("keeps what a pass promises: nothing is told of windows but their outcomes, and they end where they are stopped", async () => {
    const rows = [clip, ...others].slice(0, 2).map((samples) => segment(samples, { window: { memory: undefined } }));
    const alone = await model.transcribe(rows.slice(1));
    const { outcomes, parts } = await runScript(model.run, {
      rows,
      at: (point, act) => point === 1 && act.stop([0]),
    });
    expect(parts.flat()).toEqual([]);
    expect(outcomes.map((outcome) => outcome && resultOf(outcome).text)).toEqual([undefined, resultOf(alone[0]).text]);
    expect(await runScript(model.run, { rows, at: (point, act) => point === 2 && act.stop() })).toMatchObject({
      ...{ stopped: true, points: 2 },
    });
  });

  it("begins anew from a memory that is none", async () => {
    const anew = await hear(clip);
    expect(await hear(clip, { rule: "another", stable: 7, words: [["x", -1, 2]] })).toEqual(anew);
    expect(await hear(new Int16Array(), { rule: ["?"] })).toMatchObject({ stable: "", tail: "" });
    expect(await hear(new Int16Array(SAMPLE_RATE / 200))).toMatchObject({ stable: "" });
  });

  it("tells nothing of an utterance that is to be one of a list, and refuses what it refuses of files", async () => {
    expect(await hear(clip, undefined, { phrases: ["the fox", "the dog"] })).toMatchObject({ stable: "", tail: "" });
    const [refused, heard] = await model.transcribe([
      segment(clip, { language: "Welsh", window: { memory: undefined } }),
      segment(clip, { window: { memory: undefined } }),
    ]);
    expect(refused?.ok).toBe(name.startsWith("Whisper"));
    heardOf(heard);
  });

  if (architecture === "ctc") return;

  it("pins the language that was heard in enough of the utterance", async () => {
    const memory = { rule: "agreement 1", stable: "Dark and stormy", tail: " night", language: "" };
    if (architecture === "qwen3-asr") {
      const pinned = await hear(clip, { ...memory, language: "German" });
      expect(pinned.language).toBe("German");
      expect(pinned.stable.startsWith(memory.stable)).toBe(true);
      expect({ ...pinned, memory: {} }).toEqual({
        ...(await hear(clip, { ...memory, language: "German" }, { language: "German" })),
        memory: {},
      });
      return;
    }
    const first = await hear(clip);
    expect(first.memory.language).toEqual(expect.any(String));
    const inOthers: string[] = [];
    for (const samples of [...others.slice(0, 2), new Int16Array(4 * SAMPLE_RATE)]) {
      inOthers.push((await hear(samples)).language);
      expect((await hear(samples, first.memory)).language).toBe(first.language);
    }
    expect(new Set([first.language, ...inOthers]).size).toBeGreaterThan(1);
    expect((await hear(clip, { ...memory, language: "xx" })).language).toBe(first.language);
    expect((await hear(clip, first.memory, { translate: true })).language).toBe("English");
  });
});
