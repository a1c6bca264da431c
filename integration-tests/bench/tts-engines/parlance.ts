/**
 * Parlance's own voice as an engine of `bench:tts-engines`, in a process of its own: what the tts worker's engine runs, without the
 * worker. Speaks the protocol of models/recipes/bench-tts-engines/peers.py on its input and output.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runWhole } from "@parlance/inference";
import { loadTtsModel, type SpeechText } from "@parlance/tts";
import * as z from "zod";

const question = z.object({ batch: z.number().int().positive() });
const SAMPLES_PER_FRAME = 1_920;
const RATE = 24_000;

const [folder = "", text = "", referenceText = "", threads = ""] = process.argv.slice(2);
const bytes = await readFile(join(folder, "../reference.pcm"));
const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const answer = (fields: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(fields)}\n`);

const began = performance.now();
const model = await loadTtsModel({
  modelId: folder,
  device: "cpu",
  computeType: "auto",
  threads: Number(threads),
  log: () => {},
});
answer({ load_s: (performance.now() - began) / 1_000 });

const imitates = model.description.operations.includes("voice_clone");
const reference = imitates ? { id: "reference", samples, sampleRate: RATE, text: referenceText } : undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const { batch } = question.parse(JSON.parse(line));
  const rows = Array.from({ length: batch }, (_, seed): SpeechText => {
    const voice = imitates ? undefined : "ryan";
    return { text, language: "English", voice, instructions: "", reference, seed, speed: 1 };
  });
  const asked = performance.now();
  const seconds = () => (performance.now() - asked) / 1_000;
  const first = new Map<number, number>();
  // As they are made: a row that nobody listens to is said again when it comes to its budget.
  const outcomes = await runWhole(model.run, rows, (row) => {
    if (!first.has(row)) first.set(row, seconds());
  });
  const taken = seconds();
  const frames = outcomes.map((outcome) => {
    if (!outcome.ok) throw new Error(outcome.failure.message);
    return Math.round(outcome.result.samples.length / SAMPLES_PER_FRAME);
  });
  answer({ seconds: taken, first_sound_s: Math.max(...first.values()), frames });
}
await model.close();
