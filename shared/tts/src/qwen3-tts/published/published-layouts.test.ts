/** Folders as others publish them, with the small model of the tests in them: each says what that says in the project's own layout. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findModel } from "@parlance/model-store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ttsLayouts } from "../../layouts/index.ts";
import { loadTtsModel } from "../../load-tts-model.ts";
import { speechText } from "../../testing/specimens.ts";
import type { SpeechText, TtsModel, TtsOutcome } from "../../types.ts";
import { createCodeChooser, samplingSchema } from "../sampling/sampling.ts";
import { features, sizes } from "../testing/echo-graphs.ts";
import { writeEchoModel } from "../testing/echo-model.ts";
import { npy, publishedLayouts, writePublishedEcho } from "../testing/published-echo.ts";
import { CODE_FEATURE } from "../testing/published-echo-graphs.ts";
import { createLogMel } from "./log-mel.ts";
import { openNpy } from "./npy-file.ts";
import { openProjectedText } from "./projected-text.ts";
import { openPublishedReader } from "./reference-reader.ts";
import { openStackedPredictor } from "./stacked-graphs.ts";

let root: string;
let own: TtsModel;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-published-"));
  await writeEchoModel({ folder: join(root, "own"), kind: "custom_voice" });
  own = await open("own");
});
afterAll(async () => {
  await own.close();
  await rm(root, { recursive: true });
});

function open(name: string): Promise<TtsModel> {
  return loadTtsModel({ modelId: join(root, name), device: "cpu", computeType: "auto", threads: 1, log: () => {} });
}

const row = speechText;
const rows = [
  row("Good morning."),
  row("It rains.", { voice: "boris", seed: 7 }),
  row("A somewhat longer sentence, of which more than one chunk of frames is made.", { language: "English" }),
  row("Ω and ü are letters too.", { seed: 4_294_967_295 }),
  row("Hi."),
];

function samplesOf(outcome: TtsOutcome | undefined): number[] {
  if (outcome?.ok !== true) throw new Error(JSON.stringify(outcome));
  return [...outcome.result.samples];
}

describe.each(publishedLayouts)("a folder that is %s", (layout) => {
  test("is known without a manifest, and says the same as the project's own layout", async () => {
    await writePublishedEcho(join(root, layout), layout);
    const model = await open(layout);
    try {
      expect(model.description).toMatchObject({
        ...{ architecture: "qwen3-tts", operations: ["custom_voice"], sampleRate: 24_000, instructions: false },
        voices: [{ id: "anna" }, { id: "boris" }, { id: "chen" }],
      });
      const expected = (await own.speak(rows)).map(samplesOf);
      const said = await model.speak(rows);
      expect(said.map(samplesOf).map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
      for (const [index, outcome] of said.entries()) expect(samplesOf(outcome)).toEqual(expected[index]);
      // Alone as in a pass.
      const [alone] = await model.speak(rows.slice(2, 3));
      expect(samplesOf(alone)).toEqual(expected[2]);
    } finally {
      await model.close();
    }
  });

  test("is refused with the name of what it lacks", async () => {
    const folder = join(root, `${layout} in part`);
    await writePublishedEcho(folder, layout);
    const [graph = ""] =
      layout === "fused" ? ["codec_embed/codec_embed.onnx"] : ["embeddings/cp_codec_embedding_3.npy"];
    await rm(join(folder, graph));
    const found = findModel({ modelId: folder, layouts: ttsLayouts, log: () => {} });
    await expect(found).rejects.toMatchObject({ code: "validation_failed", message: expect.stringContaining(graph) });
  });
});

test("stacked graphs make a frame's codes one after the other, each by the one before it and what is kept of the others", async () => {
  const folder = join(root, "predictor");
  await writePublishedEcho(folder, "stacked");
  const { hidden, codebooks, codebookSize } = sizes;
  const tables = await Promise.all(
    ["talker_codec_embedding", ...Array.from({ length: codebooks - 1 }, (_, book) => `cp_codec_embedding_${book}`)].map(
      (name) => openNpy(join(folder, "embeddings", `${name}.npy`)),
    ),
  );
  const [first, ...others] = tables;
  if (first === undefined) throw new Error("there is no table");
  const predictor = await openStackedPredictor({
    ...{ device: { provider: "cpu", deviceId: 0 }, threads: 1, graph: join(folder, "code_predictor.onnx") },
    ...{ codebooks, hidden, cache: { layers: 1, heads: 1, size: hidden }, first, others },
    choose: createCodeChooser(samplingSchema.parse({})),
  });
  const noise = new Float32Array(codebooks - 1).fill(0.5);
  const rows = [5, 120].map((code) => ({ hidden: new Float32Array(hidden), first: code, noise }));
  const frames = await predictor.complete(rows, async () => {});
  const expected = (code: number) => Array.from({ length: codebooks }, (_, book) => (code + 4 * book) % codebookSize);
  expect(frames.map(({ codes }) => [...codes])).toEqual([expected(5), expected(120)]);
  // The sum of their rows.
  expect(frames[0]?.sum[CODE_FEATURE]).toBe(expected(5).reduce((sum, code) => sum + code, 0));
  for (const part of [predictor, ...tables]) await part.close();
});

describe("a folder that imitates voices", () => {
  const recording = (seconds: number, text?: string): SpeechText["reference"] => ({
    samples: Int16Array.from({ length: 24_000 * seconds }, (_, at) => 8_000 * Math.sin(at / 20)),
    ...{ sampleRate: 24_000, text, id: `${seconds} ${text}` },
  });

  test("reads a recording's sound, and what is said in it where it can", async () => {
    const folder = join(root, "imitating");
    await writePublishedEcho(folder, "stacked in formats", "base");
    const model = await open("imitating");
    const by = (reference: SpeechText["reference"]) => row("It is me.", { reference });
    const [alone, words, long, longWords] = await model.speak([
      ...[
        by(recording(1)),
        by(recording(1.5, "So it is, and so it was, and so it will be, for ever.")),
        by(recording(3)),
        by(recording(3, "So it is.")),
      ],
    ]);
    await model.close();
    expect(model.description).toMatchObject({ operations: ["voice_clone"], voices: [] });
    for (const outcome of [alone, long]) expect(samplesOf(outcome)).toHaveLength(6 * sizes.samplesPerFrame);
    // As the model counts: 36 letters of the recording more, and its 19 frames less.
    expect(samplesOf(words)).toHaveLength((6 + 36 - 19) * sizes.samplesPerFrame);
    expect(longWords).toMatchObject({
      ok: false,
      failure: {
        code: "reference_too_long",
        param: "ref_audio",
        message: expect.stringContaining("takes 2 s at most"),
      },
    });
  });

  test("says so where it cannot hear what is said", async () => {
    await writePublishedEcho(join(root, "deaf"), "stacked", "base");
    const model = await open("deaf");
    const [alone, words] = await model.speak([
      row("It is me.", { reference: recording(1) }),
      row("It is me.", { reference: recording(1, "So it is.") }),
    ]);
    await model.close();
    expect(samplesOf(alone)).toHaveLength(6 * sizes.samplesPerFrame);
    expect(words).toMatchObject({ ok: false, failure: { param: "ref_text" } });
  });

  test("reads of a short clip its own frames, and of its spectrogram all", async () => {
    const reader = await openPublishedReader({
      ...{ device: { provider: "cpu", deviceId: 0 }, threads: 1 },
      ...{ codebooks: sizes.codebooks, samplesPerFrame: sizes.samplesPerFrame },
      speakerEncoder: join(root, "imitating", "speaker_encoder.onnx"),
      codecEncoder: join(root, "imitating", "tokenizer_encoder.onnx"),
    });
    const samples = Float32Array.from({ length: 4_000 }, (_, at) => (at < 1_920 ? 0.2525 : -0.1025));
    const frames = await reader.frames(samples, async () => {});
    expect(frames.map(([code]) => code)).toEqual([55, 25, 6]);
    const { data } = createLogMel()(samples);
    const voice = await reader.voice(samples, async () => {});
    expect(voice[features.voice]).toBeCloseTo(data.reduce((sum, each) => sum + each, 0) / data.length, 4);
    await reader.close();
  });

  test("is refused without its speaker encoder", async () => {
    const folder = join(root, "imitating in part");
    await writePublishedEcho(folder, "stacked in formats", "base");
    await rm(join(folder, "speaker_encoder.onnx"));
    const found = findModel({ modelId: folder, layouts: ttsLayouts, log: () => {} });
    await expect(found).rejects.toThrow("without speaker_encoder.onnx");
  });
});

describe("tables of NumPy", () => {
  const write = async (name: string, content: Uint8Array) => {
    await writeFile(join(root, name), content);
    return join(root, name);
  };

  test("are read row by row, and whole", async () => {
    const table = Float32Array.from({ length: 12 }, (_, at) => at / 4);
    const file = await openNpy(await write("table.npy", npy(table, [4, 3])));
    expect([file.rows, file.columns]).toEqual([4, 3]);
    const rowOf = new Float32Array(5);
    file.write(2, rowOf, 1);
    expect([...rowOf]).toEqual([0, 1.5, 1.75, 2, 0]);
    expect(await file.read()).toEqual(table);
    expect(() => file.write(4, rowOf, 0)).toThrow("has no row 4");
    await file.close();
  });

  test("are refused where they are none, or not of these numbers", async () => {
    await expect(openNpy(await write("none.npy", Buffer.from("something else of some length")))).rejects.toThrow(
      "does not begin",
    );
    const double = Buffer.from(npy(new Float32Array(2), [2]))
      .toString("latin1")
      .replace("<f4", "<f8");
    await expect(openNpy(await write("double.npy", Buffer.from(double, "latin1")))).rejects.toThrow("<f8");
    const short = npy(new Float32Array(6), [2, 3]).subarray(0, -4);
    await expect(openNpy(await write("short.npy", short))).rejects.toThrow("its shape is (2, 3)");
  });

  test("are projected by two layers with a gate between them", async () => {
    const weights = (rowsOf: number, columns: number, seed: number) =>
      Float32Array.from({ length: rowsOf * columns }, (_, at) => Math.sin(seed + 1.7 * at));
    const [table, first, bias, second, last] = [
      weights(3, 6, 0),
      weights(5, 6, 1),
      weights(5, 1, 2),
      weights(2, 5, 3),
      weights(2, 1, 4),
    ];
    const projected = await openProjectedText(
      {
        table: await write("text.npy", npy(table, [3, 6])),
        firstWeight: await write("w1.npy", npy(first, [5, 6])),
        firstBias: await write("b1.npy", npy(bias, [5])),
        secondWeight: await write("w2.npy", npy(second, [2, 5])),
        secondBias: await write("b2.npy", npy(last, [2])),
      },
      2,
    );
    const said = new Float32Array(2);
    projected.write(1, said, 0);
    const dot = (weight: Float32Array, at: number, input: readonly number[]) =>
      input.reduce((sum, value, index) => sum + value * (weight[at * input.length + index] ?? 0), 0);
    const inner = [0, 1, 2, 3, 4].map((at) => dot(first, at, [...table.subarray(6, 12)]) + (bias[at] ?? 0));
    const gated = inner.map((value) => value / (1 + Math.exp(-value)));
    for (const at of [0, 1]) expect(said[at]).toBeCloseTo(dot(second, at, gated) + (last[at] ?? 0), 5);
    await projected.close();
  });
});
