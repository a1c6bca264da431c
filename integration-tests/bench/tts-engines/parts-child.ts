/**
 * Where a frame's time goes, in a process of its own: the talker with the predictor, the predictor by itself, and the codec. Answers
 * `{ batch }` with seconds of one frame of that many rows in each.
 */
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chooseGraph } from "@parlance/inference";
import { readManifest } from "@parlance/model-store";
import * as z from "zod";
import { loadParts } from "../../../shared/tts/src/qwen3-tts/load-parts.ts";
import { createPredictor } from "../../../shared/tts/src/qwen3-tts/talker/predictor.ts";

const question = z.object({ batch: z.number().int().positive() });
const FRAMES = 8;
/** Behind a prompt of a usual length. */
const PLACES = 24;

const [folder = "", threads = ""] = process.argv.slice(2);
const manifest = await readManifest(folder);
if (manifest === undefined) throw new Error(`there is no manifest in ${folder}`);
const device = { provider: "cpu", deviceId: 0 } as const;
const options = {
  modelId: folder,
  device: "cpu",
  computeType: "auto",
  threads: Number(threads),
  log: () => {},
} as const;
const began = performance.now();
const parts = await loadParts({ folder, manifest, options, device });
const { section } = parts;
const { role } = chooseGraph({ manifest, role: "predictor", wanted: "auto", provider: "cpu" });
const predictor = await createPredictor({
  ...{ device, threads: Number(threads), codebooks: section.codebooks },
  graph: join(folder, manifest.files[role]?.path ?? role),
  temperature: section.sampling.predictorTemperature,
  topK: section.sampling.predictorTopK,
});
const answer = (fields: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(fields)}\n`);
answer({ load_s: (performance.now() - began) / 1_000 });

const way = async () => {};

for await (const line of createInterface({ input: process.stdin })) {
  const { batch } = question.parse(JSON.parse(line));
  const making = await talking(batch);
  const completing = await fastest(3, () => predictor.complete(rowsOf(batch), way));
  const stream = parts.decoder.begin();
  const frame = new Int32Array(section.codebooks).fill(3);
  const chunk = Array.from({ length: parts.chunks.read.most }, () => frame);
  await stream.decode(chunk, way);
  const decoding = await fastest(2, () => stream.decode(chunk, way));
  answer({ talker: making - completing, predictor: completing, codec: (batch * decoding) / chunk.length });
}
await predictor.close();
await parts.close();

/** Seconds of a frame of so many rows, talker and predictor, their prompts left out. */
async function talking(batch: number): Promise<number> {
  const rows = Array.from({ length: batch }, (_, row) => ({
    ...{ row, seed: row, budget: FRAMES + 1 },
    prompt: new Float32Array(PLACES * section.hidden).map((_value, at) => Math.sin(at + row) / 2),
    trailing: new Float32Array(0),
  }));
  const heard = new Map<number, number>();
  const times: number[] = [];
  await parts.talker.talk({
    take: async (places) => rows.splice(0, places),
    isOpen: () => true,
    hear: async (row) => {
      const count = (heard.get(row) ?? 0) + 1;
      heard.set(row, count);
      if (row === 0) times.push(performance.now());
      return count <= FRAMES;
    },
    end: way,
    giveWay: way,
  });
  const steps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  return Math.min(...steps) / 1_000;
}

function rowsOf(batch: number) {
  return Array.from({ length: batch }, (_, row) => ({
    hidden: new Float32Array(section.hidden).map((_value, at) => Math.sin(at + row)),
    first: row,
    noise: new Float32Array(section.codebooks - 1).fill(0.5),
  }));
}

async function fastest(times: number, run: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time += 1) {
    const from = performance.now();
    await run();
    best = Math.min(best, (performance.now() - from) / 1_000);
  }
  return best;
}
