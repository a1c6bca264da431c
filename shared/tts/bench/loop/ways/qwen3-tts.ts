/**
 * A way of making Qwen3-TTS's frames, for `npm run bench:loop` and `npm run check:cuda`, in a process of its own: the loop that is in
 * the graph, or a run for every step. It is the product's own talker; texts, voices and seeds are those of every way.
 *
 * Told as JSON in its first argument; the last line of its output is its answer.
 */
import { threadCount } from "@parlance/inference";
import * as z from "zod";
import { loadParts } from "../../../src/qwen3-tts/load-parts.ts";
import type { ModelParts } from "../../../src/qwen3-tts/model-parts.ts";
import { prepareRow } from "../../../src/qwen3-tts/prepared-row.ts";
import type { TalkingRow } from "../../../src/qwen3-tts/talker/talker.ts";

const orderSchema = z.object({
  folder: z.string(),
  way: z.enum(["loop", "step"]),
  device: z.enum(["cpu", "cuda"]),
  format: z.enum(["float32", "float16"]),
  /** Rows that talk together, a measurement for each number. */
  batches: z.array(z.number().int().positive()),
  /** Most frames of a row. */
  frames: z.number().int().positive(),
  /** Times that each is measured, after one that is not. */
  rounds: z.number().int().nonnegative(),
});

const order = orderSchema.parse(JSON.parse(process.argv[2] ?? "{}"));
// Imported when it runs: bundled, it would stand before the constants of its module otherwise.
const { readManifest } = await import("@parlance/model-store");
const manifest = await readManifest(order.folder);
if (manifest === undefined) throw new Error(`${order.folder} has no manifest.json`);
const options = { modelId: order.folder, device: order.device, computeType: order.format, threads: threadCount(0) };

const began = performance.now();
const parts = await loadParts({
  ...{ manifest, folder: order.folder, options: { ...options, log: () => {} } },
  device: { provider: order.device, deviceId: 0 },
  looped: order.way === "loop",
});
const load_s = secondsSince(began);
if (parts.computeType !== order.format) throw new Error(`${order.folder} has no graphs in ${order.format}`);

const rows = await prepare(Math.max(...order.batches));
const batches = [];
let longest: number[][] = [];
for (const count of order.batches) {
  const some = rows.slice(0, count);
  const said = await talk(some, order.frames);
  // On CUDA the codec's first run chooses algorithms.
  if (order.device === "cuda") await talk(some, parts.chunks.read.first, true);
  const seconds: number[] = [];
  const first: number[] = [];
  const every: number[] = [];
  for (let round = 0; round < order.rounds; round++) {
    const again = await talk(some, order.frames);
    seconds.push(again.seconds);
    if (JSON.stringify(again.frames) !== JSON.stringify(said.frames)) {
      throw new Error("the same rows were said twice with different codes");
    }
    const { sounds } = await talk(some, parts.chunks.read.first, true);
    first.push(Math.min(...sounds));
    every.push(Math.max(...sounds));
  }
  const codes = said.frames.map((frames) => frames.flatMap((frame) => [...frame]));
  longest = said.frames.reduce((most, one) => (one.length > most.length ? one : most), longest);
  batches.push({ rows: count, codes, seconds, first_sound_s: first, every_first_sound_s: every });
}
const seam = await largestSeam(parts, longest);
const memory_mb = Math.round(process.resourceUsage().maxRSS / 1e3);
await parts.close();
console.log(JSON.stringify({ load_s, memory_mb, codebooks: parts.section.codebooks, batches, seam }));

function secondsSince(moment: number): number {
  return (performance.now() - moment) / 1_000;
}

/** Texts of unequal length, each with a voice and a seed of its own. */
async function prepare(count: number): Promise<Omit<TalkingRow, "row" | "budget">[]> {
  if (manifest === undefined) throw new Error("there is no manifest");
  const voices = Object.keys(parts.section.speakers);
  const prepared: Omit<TalkingRow, "row" | "budget">[] = [];
  for (let row = 0; row < count; row++) {
    const said = await prepareRow(
      parts,
      manifest,
      {
        text: "The ship came late again, and nobody knew why. ".repeat(1 + (row % 4)),
        ...{ language: "English", voice: voices[row % voices.length], instructions: "" },
        ...{ reference: undefined, seed: row + 1, speed: 1 },
      },
      async () => {},
    );
    if ("code" in said) throw new Error(said.message);
    prepared.push(said);
  }
  return prepared;
}

/** Frames of each row, how long they took, and with `heard` when the sound of each row was there that begins with its first frames. */
async function talk(some: readonly Omit<TalkingRow, "row" | "budget">[], budget: number, heard = false) {
  const waiting = some.map((row, at): TalkingRow => ({ ...row, row: at, budget }));
  const frames: Int32Array[][] = some.map(() => []);
  const sounds: number[] = [];
  const over = new Set<number>();
  const from = performance.now();
  await parts.talker.talk({
    take: async (places) => waiting.splice(0, places),
    isOpen: (row) => !over.has(row),
    hear: async (row, frame) => (frames[row]?.push(frame) ?? budget) < budget,
    async end(row) {
      over.add(row);
      const own = frames[row] ?? [];
      if (!heard || own.length === 0) return;
      await parts.decoder.begin().decode(own, async () => {});
      sounds.push(secondsSince(from));
    },
    giveWay: async () => {},
  });
  return { frames: frames.map((own) => own.map((frame) => [...frame])), seconds: secondsSince(from), sounds };
}

/** How far the sound of frames in chunks is from their sound in one, as a part of its largest sample; undefined where there is no sound. */
async function largestSeam({ decoder, chunks }: ModelParts, said: number[][]): Promise<number | undefined> {
  const frames = said.map((frame) => Int32Array.from(frame));
  if (frames.length === 0) return undefined;
  const whole = await decoder.begin().decode(frames, async () => {});
  const stream = decoder.begin();
  const joined: number[] = [];
  for (let from = 0; from < frames.length; from += chunks.read.first) {
    joined.push(...(await stream.decode(frames.slice(from, from + chunks.read.first), async () => {})));
  }
  if (joined.length !== whole.length) throw new Error(`${joined.length} samples in chunks, ${whole.length} in one`);
  const largest = whole.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  const apart = whole.reduce((most, sample, at) => Math.max(most, Math.abs(sample - (joined[at] ?? Number.NaN))), 0);
  return largest === 0 ? undefined : apart / largest;
}
