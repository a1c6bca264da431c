/**
 * Parlance's own recogniser as an engine of `bench:engines`, in a process of its own: what the transcribe worker's engine runs,
 * without the worker. Speaks the protocol of models/recipes/bench-engines/peers.py on its input and output.
 */
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { loadAsrModel } from "@parlance/asr";
import { SAMPLE_RATE } from "@parlance/contracts";
import * as z from "zod";

const question = z.object({ batch: z.number().int().positive(), beams: z.number().int().positive() });

const [folder = "", segments = "", seconds = "", tokens = "", threads = "", beams = "1"] = process.argv.slice(2);
const bytes = await readFile(segments);
const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const length = Number(seconds) * SAMPLE_RATE;
const answer = (fields: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(fields)}\n`);

const model = await loadAsrModel({
  modelId: folder,
  device: "cpu",
  computeType: "auto",
  threads: Number(threads),
  beamSize: Number(beams),
  log: () => {},
});
answer({ load_s: model.description.loadSeconds, compute_type: model.description.computeType });

for await (const line of createInterface({ input: process.stdin })) {
  const { batch } = question.parse(JSON.parse(line));
  const rows = Array.from({ length: batch }, (_, row) => ({
    samples: samples.subarray(row * length, (row + 1) * length),
    language: "English" as const,
    timestamps: false,
    hotwords: [],
    phrases: [],
  }));
  const began = performance.now();
  const outcomes = await model.transcribe(rows);
  const taken = (performance.now() - began) / 1_000;
  for (const outcome of outcomes) if (!outcome.ok) throw new Error(outcome.failure.message);
  // A row that was stopped by its budget said all of it.
  const said = outcomes.map((outcome) => (outcome.ok && outcome.result.truncated ? Number(tokens) : 0));
  answer({ seconds: taken, tokens: said });
}
await model.close();
