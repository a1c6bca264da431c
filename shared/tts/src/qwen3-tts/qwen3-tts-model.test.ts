/** The recipe's small models, loaded as any model is. */
import { expect, onTestFinished, test } from "vitest";
import { loadTtsModel } from "../load-tts-model.ts";
import { speechText } from "../testing/specimens.ts";
import type { SpeechText } from "../types.ts";
import { fixturePath, type Kind, readGolden } from "./testing/golden.ts";
import { referenceOf } from "./testing/small-parts.ts";

const reference = () => referenceOf(readGolden("base"), "short", "that it was not there");
const rows: Record<Kind, SpeechText[]> = {
  "custom-voice": [speechText("No.", { voice: "eric", instructions: "很慢" })],
  "voice-design": [speechText("Hello.", { instructions: "A deep, slow, male voice." })],
  base: [
    speechText("Hello.", { reference: reference() }),
    speechText("Hello.", { reference: { ...reference(), text: undefined } }),
  ],
};

test.each([
  ["custom-voice", "auto", "int8", "custom_voice"],
  ["custom-voice", "int4", "int4", "custom_voice"],
  ["voice-design", "auto", "float32", "voice_design"],
  ["base", "auto", "float32", "voice_clone"],
] as const)("%s in %s speaks, by the same seed the same", async (kind, wanted, computeType, operation) => {
  const model = await loadTtsModel({
    ...{ modelId: fixturePath(kind), device: "cpu", computeType: wanted, threads: 1, log: () => {} },
  });
  onTestFinished(() => model.close());
  expect(model.description).toMatchObject({
    ...{ architecture: "qwen3-tts", computeType, operations: [operation], sampleRate: 24_000, refills: true },
  });
  const seeded = rows[kind].map((row, at) => ({ ...row, seed: at }));
  const outcomes = await model.speak(seeded);
  for (const outcome of outcomes) {
    if (!outcome.ok) throw new Error(outcome.failure.message);
    expect(outcome.result.samples.length).toBeGreaterThan(1_920);
  }
  expect(await model.speak(seeded)).toEqual(outcomes);
});
