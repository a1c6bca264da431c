/** The graphs of every layout, cut: what they answer is what they answer whole. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPiecedSession, createSession, float32Output, type TensorData } from "@parlance/inference";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createFeatures } from "../features.ts";
import { makeClip } from "../testing/clips.ts";
import { writePublishedModel, writeTinyModel } from "../testing/tiny-model.ts";

const options = { device: { provider: "cpu", deviceId: 0 }, threads: 1 } as const;
/** Milliseconds: other suites may have the cores. */
const LONG = 120_000;
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "whisper-pieces-"));
  await writeTinyModel(join(root, "own"), "multilingual-80");
  await writeTinyModel(join(root, "int8"), "english-80", {}, { bits: 8 });
  for (const kind of ["split", "merged", "half"] as const) await writePublishedModel(join(root, kind), kind);
}, LONG);
afterAll(() => rm(root, { recursive: true }));

const data = createFeatures(80)(makeClip({ kind: "voice", samples: 16_000 * 12, seed: 4 }));
const features: TensorData = { type: "float32", data, dims: [1, 80, 3_000] };

async function answersOf(path: string, inputs: Record<string, TensorData>, products: number) {
  const session = await createSession(join(root, path), options);
  const whole = await session.run(inputs);
  await session.close();
  const cut = await createPiecedSession(join(root, path), options, { vectors: 1_500, products });
  expect([...cut.outputNames].sort()).toEqual(Object.keys(whole).sort());
  let yields = 0;
  const pieces = await cut.run(inputs, async () => {
    yields++;
  });
  await cut.close();
  expect(yields).toBe(cut.pieces - 1);
  return { whole, pieces, count: cut.pieces };
}

function expectSame(
  { whole, pieces }: { whole: Record<string, TensorData>; pieces: Record<string, TensorData> },
  near: number,
): void {
  for (const name of Object.keys(whole)) {
    const [a, b] = [float32Output(whole, name), float32Output(pieces, name)];
    const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const worst = a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] ?? Number.NaN))), 0);
    expect(a.length, name).toBe(b.length);
    expect(worst, name).toBeLessThanOrEqual(near * largest);
  }
}

it.each([
  ["own/encoder.onnx", "features", 1e-5],
  // What falls to the next of the eight bits' steps is a step further.
  ["int8/encoder_int8.onnx", "features", 0.02],
  ["split/encoder_model.onnx", "input_features", 1e-5],
  ["merged/onnx/encoder_model.onnx", "input_features", 1e-5],
  ["half/onnx/encoder_model_fp16.onnx", "input_features", 5e-3],
] as const)(
  "%s",
  async (path, input, near) => {
    // Of eight bits a piece is given more.
    const answers = await answersOf(path, { [input]: features }, path.includes("int8") ? 2e7 : 1e8);
    expect(answers.count).toBeGreaterThan(1);
    expectSame(answers, near);
  },
  LONG,
);

it("a graph with a switch is not cut, and one that is short enough is not either", async () => {
  for (const [path, products] of [
    ["merged/onnx/decoder_model_merged.onnx", 1],
    ["own/encoder.onnx", undefined],
  ] as const) {
    const size = { vectors: 1_500, ...(products && { products }) };
    const opened = await createPiecedSession(join(root, path), options, size);
    expect(opened.pieces).toBe(1);
    await opened.close();
  }
});
