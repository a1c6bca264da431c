import { runWhole } from "@parlance/inference";
import type { EngineJob } from "@parlance/inference/engine";
import { expect, test } from "vitest";
import { createSpeechEngine } from "./speech-engine.ts";
import { createToneModel, TONE_RATE, toneOf } from "./testing/tone-engine.ts";
import type { TextMeta } from "./text-job.ts";

function job(text: string, more: Partial<TextMeta> = {}, payload = new Uint8Array()): EngineJob {
  return {
    meta: {
      operation: "custom_voice",
      text,
      language: "auto",
      instructions: "",
      seed: 0,
      speed: 1,
      ...more,
    } satisfies TextMeta,
    payload,
  };
}

const engine = createSpeechEngine(createToneModel());

function samplesOf(payload: Uint8Array | undefined): Int16Array {
  return new Int16Array(new Uint8Array(payload ?? []).buffer);
}

test("every text of a pass is spoken, with its own speed and reference", async () => {
  const reference = new Uint8Array(2 * 48);
  const outcomes = await runWhole(engine.run, [
    job("Hello."),
    job("Faster.", { speed: 2, voice: "slt" }),
    job("Me too.", { operation: "voice_clone", reference: { id: "0f".repeat(32), text: "hm" } }, reference),
  ]);
  const expected = [toneOf("Hello."), toneOf("Faster.", 2), toneOf("Me too.", 1, 48)];
  for (const [row, outcome] of outcomes.entries()) {
    if (!outcome.ok) throw new Error(outcome.failure.message);
    expect(outcome.meta).toEqual({ sampleRate: TONE_RATE, truncated: false });
    expect(samplesOf(outcome.payload)).toEqual(expected[row]);
  }
});

test("a row that asks for what the model cannot do is told so, and the others of its pass are spoken", async () => {
  const outcomes = await runWhole(engine.run, [
    job("Who?", { voice: "nobody" }),
    job("Fine."),
    job("What?", { operation: "voice_design", instructions: "old" }),
  ]);
  expect(outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.failure.code))).toEqual([
    "voice_unknown",
    "ok",
    "operation_unavailable",
  ]);
});
