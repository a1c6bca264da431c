/**
 * `npm run bench:engines [-- --models a,b --batches 1,8,16 --rounds 3 --minutes 25 --without "name,name" --beams --write]`: Parlance's
 * recogniser beside the peers that read the same weights, on this CPU. Writes engines.md. The last line is JSON: `engines` has one
 * object for each model, engine and batch with audio_s_per_s, rss_mb, load_s. Ends with 1 when an engine failed, or when
 * Parlance is not ahead of each peer at batch 16 by the median of wall time.
 *
 * models/recipes/bench-engines makes the models, with random weights of the true sizes, and installs the peers: several GB below
 * .parlance/bench-engines, once. Random weights do not end a text by themselves, so every engine says the same number of tokens for
 * the same segments, on the same number of threads; an engine that says another number fails the run.
 *
 * One engine is loaded at a time: the largest passes of all would not fit into memory side by side. They take turns, in reversed order in
 * every second round. The first round is whole. In the later ones, largest batch first, only what a repeat could tell more of is
 * measured: no pass of more than LONG_SECONDS, no peer that took CLEARLY_SLOWER times Parlance's time, none begun after the model's part of
 * `--minutes`.
 *
 * `--beams` compares beam search of width 5, which Whisper's users have by default, by the engines that have one, and writes
 * engines-beams.md. `--refill` compares Parlance with itself: engines/refill.ts. Its JSON: refill_gain.
 */
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { exactSamples } from "../src/clips.ts";
import { brokenClaims, isOwn, type Measured } from "./engines/claim.ts";
import type { EngineChild } from "./engines/engine-child.ts";
import {
  beamEngines,
  type EngineEntry,
  enginesOf,
  type ModelName,
  models,
  passSchema,
  SEGMENT_SECONDS,
  startEntry,
} from "./engines/engine-table.ts";
import { enginesPage } from "./engines/page.ts";
import { benchRefill } from "./engines/refill.ts";
import { makeModels, tellEngines } from "./measure/engines-run.ts";
import { spread } from "./measure/statistics.ts";

const LONG_SECONDS = 60;
const CLEARLY_SLOWER = 2;

/** What an engine did at one batch. */
interface Cell {
  entry: EngineEntry;
  batch: number;
  seconds: number[];
  processorSeconds: number[];
  memory: number;
}

const { values: wished } = parseArgs({
  options: {
    models: { type: "string" },
    batches: { type: "string", default: "1,8,16" },
    rounds: { type: "string", default: "3" },
    without: { type: "string", default: "" },
    minutes: { type: "string", default: "25" },
    beams: { type: "boolean", default: false },
    refill: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
if (wished.refill) {
  const holds = await benchRefill({ names: wished.models, rounds: positive("--rounds", wished.rounds) });
  process.exit(holds ? 0 : 1);
}
/** Of a beam only Whisper's decoders make use. */
const usual = Object.keys(models).filter(
  (name) => isModel(name) && (!wished.beams || models[name].family === "whisper"),
);
const names = (wished.models?.split(",") ?? usual).map((name) => {
  if (!isModel(name)) throw new Error(`--models: there is no ${name}, only ${Object.keys(models).join(", ")}`);
  return name;
});
const batches = wished.batches.split(",").map((batch) => positive("--batches", batch));
const rounds = positive("--rounds", wished.rounds);
const minutes = positive("--minutes", wished.minutes);
const without = wished.without === "" ? [] : wished.without.split(",");
const known = [...Object.values(enginesOf).flat(), ...beamEngines].map(({ name }) => name);
for (const name of without) if (!known.includes(name)) throw new Error(`--without: there is no ${name}`);
/** A run of a part is printed instead, unless it is asked for. */
const writesPage = process.argv.slice(2).every((argument) => argument === "--beams") || wished.write;
const pageFile = new URL(wished.beams ? "engines-beams.md" : "engines.md", import.meta.url);

const work = makeModels("bench-engines", names);

const segments = `${work}/segments.pcm`;
const audio = await exactSamples(SEGMENT_SECONDS * Math.max(...batches));
await writeFile(segments, new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength));

const until = performance.now() + minutes * 60_000;
const measured: Measured[] = [];
const failures: string[] = [];
/** Processor time of this machine in passes: all of it, and what the engines had of it. */
const spent = { offered: 0, used: 0, byEngines: 0 };
for (const [index, model] of names.entries()) {
  const parts = names.slice(index).map((name) => models[name].part);
  const now = performance.now();
  const share = models[model].part / parts.reduce((sum, part) => sum + part, 0);
  const chosen = ({ name }: EngineEntry) => !without.includes(name);
  const entries = wished.beams ? beamEngines : enginesOf[models[model].family];
  await measure(model, entries.filter(chosen), now + (until - now) * share);
  const facts = { measured, beams: wished.beams, othersShare: (spent.used - spent.byEngines) / spent.offered, rounds };
  const notes = { longSeconds: LONG_SECONDS, clearlySlower: CLEARLY_SLOWER, minutes, without, failures };
  const page = await enginesPage({ ...facts, ...notes, missing: names.slice(index + 1) });
  // Written after each model: a run that is killed leaves what it has measured.
  if (writesPage) await writeFile(pageFile, page);
  else console.log(page);
}
tellEngines(measured.map(toJson), failures, brokenClaims(measured));

function isModel(name: string): name is ModelName {
  return name in models;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option}: ${text} is not a number above 0`);
  return value;
}

async function measure(model: ModelName, entries: readonly EngineEntry[], end: number): Promise<void> {
  const cells = entries.flatMap((entry) =>
    batches.map((batch): Cell => ({ entry, batch, seconds: [], processorSeconds: [], memory: 0 })),
  );
  const loads = new Map<EngineEntry, number[]>(entries.map((entry) => [entry, []]));
  const ended = new Set<EngineEntry>();
  for (let round = 0; round < rounds; round += 1) {
    for (const entry of round % 2 === 0 ? entries : entries.toReversed()) {
      const open = () =>
        cells.filter(
          (cell) => cell.entry === entry && (round === 0 || (isWorthRepeating(cell, cells) && performance.now() < end)),
        );
      if (ended.has(entry) || open().length === 0) continue;
      const child = await attempt(model, entry, () => startEntry(entry, model, work, segments));
      if (child === undefined) {
        ended.add(entry);
        continue;
      }
      try {
        loads.get(entry)?.push(child.loadSeconds);
        // The first pass of a process pays for what is made once.
        const warm = await attempt(model, entry, () => child.ask({ batch: 1, beams: entry.beams }, passSchema));
        if (warm === undefined) ended.add(entry);
        const order = open().toSorted((a, b) => (round === 0 ? a.batch - b.batch : b.batch - a.batch));
        for (const cell of order) {
          if (ended.has(entry) || !open().includes(cell)) continue;
          const passed = await attempt(model, entry, () => passOf(model, cell, child));
          if (passed === undefined) ended.add(entry);
        }
      } finally {
        await child.close();
      }
    }
  }
  for (const { entry, batch, seconds, processorSeconds, memory } of cells) {
    if (seconds.length === 0) continue;
    const { name: engine, beams } = entry;
    const perSecond = (taken: readonly number[]) => spread(taken.map((value) => (batch * SEGMENT_SECONDS) / value));
    const [speed, efficiency] = [perSecond(seconds), perSecond(processorSeconds)];
    const loadSeconds = spread(loads.get(entry) ?? []).median;
    measured.push({ model, engine, beams, batch, speed, efficiency, runs: seconds.length, memory, loadSeconds });
  }
}

/** Whether another pass could say more of how the engine stands. */
function isWorthRepeating({ entry, batch, seconds: [taken] }: Cell, cells: readonly Cell[]): boolean {
  if (taken === undefined || taken > LONG_SECONDS) return false;
  const own = cells.find(
    (cell) => isOwn({ engine: cell.entry.name }) && cell.batch === batch && cell.entry.beams === entry.beams,
  );
  return taken < CLEARLY_SLOWER * (own?.seconds[0] ?? Number.POSITIVE_INFINITY);
}

/** Has the cell's batch transcribed once and notes what it took. */
async function passOf(model: ModelName, cell: Cell, child: EngineChild): Promise<true> {
  const { entry, batch } = cell;
  const [machineBefore, before] = [machineSeconds(), await child.processorSeconds()];
  const pass = await child.ask({ batch, beams: entry.beams }, passSchema);
  const processorSeconds = (await child.processorSeconds()) - before;
  spent.used += machineSeconds() - machineBefore;
  spent.byEngines += processorSeconds;
  spent.offered += pass.seconds * cpus().length;
  const { tokens } = models[model];
  if (pass.tokens.length !== batch || pass.tokens.some((said) => said !== tokens)) {
    throw new Error(`said ${pass.tokens.join(", ")} tokens instead of ${tokens} for each of ${batch} segments`);
  }
  cell.seconds.push(pass.seconds);
  cell.processorSeconds.push(processorSeconds);
  // A later process begins with its largest batch.
  if (cell.seconds.length === 1) cell.memory = await child.peakMemory();
  console.log(
    `${model}, ${entry.name}, beam ${entry.beams}, batch ${batch}: ${pass.seconds.toFixed(2)} s, ${processorSeconds.toFixed(2)} of processor time`,
  );
  return true;
}

/** Seconds that the processors were busy since the machine started. */
function machineSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1_000, 0);
}

/** An engine that fails is told of and left out; the others go on. */
async function attempt<Result>(
  model: string,
  { name }: EngineEntry,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    failures.push(`${model}, ${name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function toJson(cell: Measured): Record<string, unknown> {
  const { model, engine, beams, batch, runs, speed, efficiency, memory, loadSeconds } = cell;
  return {
    ...{ model, engine, beams, batch, passes: runs },
    audio_s_per_s: Number(speed.median.toFixed(2)),
    audio_s_per_processor_s: Number(efficiency.median.toFixed(2)),
    rss_mb: Math.round(memory / 1e6),
    load_s: Number(loadSeconds.toFixed(2)),
  };
}
