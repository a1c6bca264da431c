import { afterAll, expect, onTestFinished, test } from "vitest";
import { loadTtsModel } from "./load-tts-model.ts";
import { speechText } from "./testing/specimens.ts";
import type { SpeechText, TtsModel, TtsOutcome } from "./types.ts";

let shared: Promise<TtsModel> | undefined;
const load = () => {
  shared ??= loadTtsModel({ modelId: "parlance-voice", device: "cpu", computeType: "auto", threads: 1, log: () => {} });
  return shared;
};

afterAll(async () => (await shared)?.close());

async function speak(...rows: SpeechText[]): Promise<TtsOutcome[]> {
  return (await load()).speak(rows);
}

async function samplesOf(row: SpeechText): Promise<Int16Array> {
  const [outcome] = await speak(row);
  if (outcome?.ok !== true) throw new Error(`refused: ${JSON.stringify(outcome)}`);
  return outcome.result.samples;
}

async function refused(row: SpeechText) {
  const [outcome] = await speak(row);
  return outcome?.ok === false ? outcome.failure : outcome;
}

const loudness = (samples: Int16Array) =>
  Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / Math.max(1, samples.length));

test("describes itself as the manifest does", async () => {
  const { description } = await load();
  expect(description).toMatchObject({
    name: "parlance-voice",
    architecture: "parametric",
    sampleRate: 16_000,
    operations: ["custom_voice"],
    voices: [{ id: "slt" }],
    instructions: false,
  });
});

test("a sentence becomes seconds of sound at a sensible level", async () => {
  const samples = await samplesOf(speechText("The quick brown fox jumps over the lazy dog."));
  expect(samples.length / 16_000).toBeGreaterThan(1.8);
  expect(samples.length / 16_000).toBeLessThan(4.5);
  expect(loudness(samples)).toBeGreaterThan(1_500);
});

test("the same text gives the same samples, alone and in a pass with others", async () => {
  const text = speechText("Please close the window, it is cold.");
  const alone = await samplesOf(text);
  const [first, second, third] = await speak(
    speechText("Yes."),
    text,
    speechText("What about a rather longer sentence, then?"),
  );
  expect(second).toEqual({ ok: true, result: { samples: alone, truncated: false } });
  expect(first?.ok && third?.ok).toBe(true);
});

test("speed changes how long it takes and not how loud it is", async () => {
  const text = "Seven ships sail slowly to the south.";
  const normal = await samplesOf(speechText(text));
  const slow = await samplesOf(speechText(text, { speed: 0.5 }));
  const fast = await samplesOf(speechText(text, { speed: 2 }));
  expect(slow.length / normal.length).toBeGreaterThan(1.8);
  expect(fast.length / normal.length).toBeLessThan(0.6);
  expect(loudness(fast) / loudness(normal)).toBeGreaterThan(0.7);
  expect(loudness(slow) / loudness(normal)).toBeLessThan(1.4);
});

test("no click inside: no sample breaks from its neighbours more than the sound of the s does", async () => {
  const samples = await samplesOf(speechText("My uncle, your aunt, and I. Are we there? No; stay!"));
  const bends = Array.from(samples.subarray(1, -1), (value, at) =>
    Math.abs((samples[at + 2] ?? 0) - 2 * value + (samples[at] ?? 0)),
  ).sort((a, b) => b - a);
  // A click is one sample alone: the largest bend is then far above the next hundred.
  expect((bends[0] ?? 0) / (bends[100] ?? 1)).toBeLessThan(2.5);
});

test("begins and ends in silence: pieces can be joined without a click", async () => {
  const samples = await samplesOf(speechText("Again and again."));
  expect(samples[0]).toBe(0);
  expect(samples.at(-1)).toBe(0);
  for (const edge of [samples.subarray(0, 160), samples.subarray(-160)]) expect(loudness(edge)).toBeLessThan(300);
});

test("numbers, abbreviations, names, a single letter and foreign words are spoken", async () => {
  const texts = ["$3.50", "Dr. Ng, HTML, 21 May", "A", "Xqzt?", "你好 means hello", "𝐇𝐞𝐥𝐥𝐨", "\u{17000}"];
  const outcomes = await speak(...texts.map((text) => speechText(text)));
  expect(outcomes.map(({ ok }) => ok)).toEqual(texts.map(() => true));
});

test("a row that is refused leaves the others alone", async () => {
  const outcomes = await speak(speechText("Good."), speechText("Good.", { voice: "nobody" }), speechText("Good."));
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, false, true]);
});

test("what the model cannot do is refused by name", async () => {
  expect(await refused(speechText("Hi.", { voice: "nobody" }))).toMatchObject({
    code: "voice_unknown",
    param: "voice",
  });
  expect(await refused(speechText("Hi.", { language: "German" }))).toMatchObject({
    code: "language_unsupported",
    param: "language",
  });
  expect(await refused(speechText("Hi.", { instructions: "Whisper." }))).toMatchObject({
    code: "instructions_unsupported",
    param: "instructions",
  });
  const reference = { samples: new Int16Array(16_000), sampleRate: 16_000, text: undefined, id: "0" };
  expect(await refused(speechText("Hi.", { reference }))).toMatchObject({ code: "operation_unavailable" });
  expect(await refused(speechText("Hi.", { speed: 9 }))).toMatchObject({ code: "validation_failed", param: "speed" });
  expect(await refused(speechText("Hi.", { speed: Number.NaN }))).toMatchObject({ param: "speed" });
});

test("what cannot be spoken is refused", async () => {
  expect(await refused(speechText("  "))).toMatchObject({ code: "text_empty", param: "text" });
  expect(await refused(speechText("🙂🙂"))).toMatchObject({ code: "text_unspeakable", param: "text" });
});

test("a text that takes longer than the model speaks in one piece is refused with the time that it would take", async () => {
  const failure = await refused(speechText("This sentence is said over and over again. ".repeat(60)));
  expect(failure).toMatchObject({ code: "text_too_long", param: "text" });
});

test("a recogniser is no voice", async () => {
  const wrong = loadTtsModel({ modelId: "parlance-en", device: "cpu", computeType: "auto", threads: 1, log: () => {} });
  await expect(wrong).rejects.toThrow("parlance-en is asr/ctc; text to speech has: parametric");
});

test("weights that the model does not have are refused, and the setting is named", async () => {
  const wrong = loadTtsModel({
    modelId: "parlance-voice",
    device: "cpu",
    computeType: "int8",
    threads: 1,
    log: () => {},
  });
  await expect(wrong).rejects.toMatchObject({ code: "validation_failed", param: "TTS_COMPUTE_TYPE" });
});

test("passes that overlap give what they give one after the other", async () => {
  const model = await loadTtsModel({
    modelId: "parlance-voice",
    device: "cpu",
    computeType: "auto",
    threads: 1,
    log: () => {},
  });
  onTestFinished(() => model.close());
  const rows = ["One.", "Two, three.", "Four?"].map((text) => speechText(text));
  const together = await Promise.all(rows.map((row) => model.speak([row])));
  for (const [at, row] of rows.entries()) expect(together[at]).toEqual(await model.speak([row]));
});
