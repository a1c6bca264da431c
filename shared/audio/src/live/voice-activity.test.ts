import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { voiceActivityModel } from "@parlance/catalogue";
import { encodeModel } from "@parlance/inference/testing";
import { shippedModels } from "@parlance/model-store/shipped-models";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sentence, sentences } from "../testing/speech.ts";
import { WINDOW } from "./hearing-blocks.ts";
import { createVoiceActivity, freshMemory, type VoiceActivity } from "./voice-activity.ts";
import { findVoiceActivityModel } from "./voice-activity-model.ts";

let activity: VoiceActivity;
let folder = "";
beforeAll(async () => {
  activity = await createVoiceActivity();
});
afterAll(() => activity.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parlance-vad-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function windowsOf(samples: Int16Array): Float32Array[] {
  const windows: Float32Array[] = [];
  for (let at = 0; at + WINDOW <= samples.length; at += WINDOW) {
    windows.push(Float32Array.from(samples.subarray(at, at + WINDOW), (sample) => sample / 32_768));
  }
  return windows;
}

async function hearAlone(samples: Int16Array): Promise<number[]> {
  const memory = freshMemory();
  const probabilities: number[] = [];
  for (const window of windowsOf(samples)) probabilities.push(...(await activity.hear([{ memory, window }])));
  return probabilities;
}

/** A graph with the model's names, whose windows are so wide. */
function graphOf(width: number): string {
  const path = join(folder, `${width}.onnx`);
  const model = encodeModel({
    nodes: [
      { op: "ReduceMean", inputs: ["input"], outputs: ["output"], attributes: { axes: [1], keepdims: 1 } },
      { op: "Identity", inputs: ["state"], outputs: ["stateN"] },
      { op: "Identity", inputs: ["sr"], outputs: ["rate"] },
    ],
    inputs: [
      { name: "input", type: "float32", dims: ["rows", width] },
      { name: "state", type: "float32", dims: [2, "rows", 128] },
      { name: "sr", type: "int64", dims: [] },
    ],
    outputs: [
      { name: "output", type: "float32", dims: ["rows", 1] },
      { name: "stateN", type: "float32", dims: [2, "rows", 128] },
      { name: "rate", type: "int64", dims: [] },
    ],
  });
  writeFileSync(path, model);
  return path;
}

describe("the voice activity model", () => {
  test("hears the speech in sentences, and none in silence", async () => {
    const speech = await hearAlone(sentence("flite-slt-1"));
    expect(speech.filter((probability) => probability > 0.5).length).toBeGreaterThan(speech.length * 0.8);
    const silence = await hearAlone(new Int16Array(50 * WINDOW));
    expect(Math.max(...silence)).toBeLessThan(0.1);
  });

  test("gives sixteen sessions in one run what it gives each alone", async () => {
    const sounds = Array.from({ length: 16 }, (_, at) => {
      const one = sentence(sentences[at % sentences.length] ?? "espeak-1");
      return windowsOf(one.subarray(at * 300, at * 300 + 40 * WINDOW));
    });
    const memories = sounds.map(freshMemory);
    const alone = sounds.map(freshMemory);
    for (let turn = 0; turn < 40; turn += 1) {
      const rows = sounds.map((windows, at) => ({
        memory: memories[at] ?? freshMemory(),
        window: windows[turn] ?? new Float32Array(WINDOW),
      }));
      const together = await activity.hear(rows);
      for (const [at, { window }] of rows.entries()) {
        const [single] = await activity.hear([{ memory: alone[at] ?? freshMemory(), window }]);
        expect(single).toBe(together[at]);
      }
    }
    expect(memories).toEqual(alone);
  });

  test("refuses windows and graphs of any other width than 64 samples of context and 512 new ones", async () => {
    const row = { memory: freshMemory(), window: new Float32Array(WINDOW - 64) };
    await expect(activity.hear([row])).rejects.toThrow("a window has 512 samples, not 448");
    const { tensors } = await findVoiceActivityModel();
    await expect(createVoiceActivity({ graph: graphOf(512), tensors })).rejects.toThrow(/input input is 512 wide: 576/);
    const right = await createVoiceActivity({ graph: graphOf(576), tensors });
    const [mean] = await right.hear([{ memory: freshMemory(), window: new Float32Array(WINDOW).fill(1) }]);
    expect(mean).toBeCloseTo(512 / 576, 5);
    await right.close();
  });

  test("refuses a file that is not its manifest's", async () => {
    const from = join(shippedModels, voiceActivityModel);
    const bytes = readFileSync(join(from, "model.onnx"));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(join(folder, "model.onnx"), bytes);
    writeFileSync(join(folder, "manifest.json"), readFileSync(join(from, "manifest.json")));
    await expect(findVoiceActivityModel(folder)).rejects.toThrow(/model\.onnx is not the file of its manifest/);
  });
});
