/**
 * `npm run bench:tts-engines`: Parlance's Qwen3-TTS beside the official package with the same weights on this CPU, random ones of the true
 * sizes. Writes tts-engines.md.
 * The last line is JSON: `engines` has one object for each model, engine and batch with sound_s_per_s, first_sound_s, rss_mb, load_s.
 * Ends with 1 when an engine failed, or when Parlance is not ahead of the official package at a batch.
 *
 * models/recipes/bench-tts-engines makes the models and installs the package: several GB below .parlance/bench-tts-engines, once.
 * Options: `--models a,b`, `--batches 1,4,16`, `--frames 24`, `--rounds 3`, `--without "name,name"`, `--write` the page of a part too.
 * `--python` names a Python that has all packages already. Random weights do not end a row by themselves: every engine makes the same
 * number of frames of the same text, on the same number of threads; one that makes another number fails the run.
 *
 * One engine is loaded at a time; they take turns, in reversed order in every second round. The 1.7B is measured where `--models`
 * asks for it.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { EngineChild } from "./engines/engine-child.ts";
import { makeModels, tellEngines } from "./measure/engines-run.ts";
import { round as rounded, spread } from "./measure/statistics.ts";
import { brokenClaims, type Measured } from "./tts-engines/claim.ts";
import {
  type EngineEntry,
  engines,
  FRAME_SECONDS,
  type ModelName,
  models,
  partsSchema,
  passSchema,
  startEntry,
  startParts,
  THREADS,
  type Workplace,
} from "./tts-engines/engine-table.ts";
import { measureLimits } from "./tts-engines/machine-limits.ts";
import { type PartsOfFrame, ttsEnginesPage } from "./tts-engines/page.ts";

const { values: wished } = parseArgs({
  options: {
    models: { type: "string" },
    batches: { type: "string", default: "1,4,16" },
    frames: { type: "string", default: "24" },
    rounds: { type: "string", default: "3" },
    without: { type: "string", default: "" },
    python: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const names = (wished.models?.split(",") ?? Object.keys(models)).filter(isModel).filter(isAsked);
const unknown = (wished.models?.split(",") ?? []).find((name) => !isModel(name));
if (unknown !== undefined) throw new Error(`--models: there is no ${unknown}, only ${Object.keys(models).join(", ")}`);
const batches = wished.batches.split(",").map((batch) => whole("--batches", batch));
const frames = whole("--frames", wished.frames);
const rounds = whole("--rounds", wished.rounds);
const without = wished.without === "" ? [] : wished.without.split(",");
const missing = without.find((name) => !engines.some((entry) => entry.name === name));
if (missing !== undefined) throw new Error(`--without: there is no ${missing}`);
/** What was asked for, but where Python lies. */
const asked = process.argv
  .slice(2)
  .filter((argument, at, all) => !argument.startsWith("--python") && all[at - 1] !== "--python");
/** A run of a part is printed instead, unless it is asked for. */
const writesPage = wished.write || asked.length === 0;

const ready = wished.python === undefined ? {} : { READY_PYTHON: wished.python };
const folder = makeModels("bench-tts-engines", names, ready);
const place: Workplace = { folder, frames, python: wished.python ?? `${folder}/venv/bin/python` };

/** What an engine did at one batch. */
interface Cell {
  entry: EngineEntry;
  batch: number;
  seconds: number[];
  firstSounds: number[];
  memory: number;
}

const limits = await measureLimits(THREADS);
const measured: Measured[] = [];
const parts: PartsOfFrame[] = [];
const failures: string[] = [];
for (const model of names) await measure(model);

const page = ttsEnginesPage({ measured, parts, limits, frames, rounds, failures, without, asked: asked.join(" ") });
if (writesPage) await writeFile(new URL("tts-engines.md", import.meta.url), page);
else console.log(page);
tellEngines(measured.map(toJson), failures, brokenClaims(measured));

function isModel(name: string): name is ModelName {
  return name in models;
}

function isAsked(name: ModelName): boolean {
  return models[name].usual || wished.models !== undefined;
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option}: ${text} is not a whole number above 0`);
  return value;
}

async function measure(model: ModelName): Promise<void> {
  const entries = engines.filter(({ name }) => !without.includes(name));
  const cells = entries.flatMap((entry) =>
    batches.map((batch): Cell => ({ entry, batch, seconds: [], firstSounds: [], memory: 0 })),
  );
  const loads = new Map<EngineEntry, number[]>(entries.map((entry) => [entry, []]));
  const failed = new Set<EngineEntry>();
  for (let round = 0; round < rounds; round += 1) {
    for (const entry of round % 2 === 0 ? entries : entries.toReversed()) {
      if (failed.has(entry)) continue;
      const own = cells.filter((cell) => cell.entry === entry);
      const run = async () => loads.get(entry)?.push(await runCells(model, entry, own));
      if (!(await attempt(`${model}, ${entry.name}`, run))) failed.add(entry);
    }
  }
  for (const entry of entries) {
    if (!failed.has(entry)) await attempt(`${model}, parts of ${entry.name}`, () => measureParts(model, entry));
  }
  for (const { entry, batch, seconds, firstSounds, memory } of cells) {
    if (seconds.length === 0) continue;
    const speed = spread(seconds.map((taken) => (batch * frames * FRAME_SECONDS) / taken));
    const loadSeconds = spread(loads.get(entry) ?? [Number.NaN]).median;
    const { name: engine } = entry;
    measured.push({
      ...{ model, engine, batch, speed, loadSeconds, memory, runs: seconds.length },
      firstSound: spread(firstSounds),
    });
  }
}

/** One process, from the smallest batch to the largest. Answers how long it took to load. */
async function runCells(model: ModelName, entry: EngineEntry, cells: readonly Cell[]): Promise<number> {
  const child = await startEntry(entry, model, place);
  try {
    // The first pass of a process pays for what is made once, a reference among it.
    await child.ask({ batch: 1 }, passSchema);
    for (const cell of cells) await runCell(model, cell, child);
    return child.loadSeconds;
  } finally {
    await child.close();
  }
}

async function runCell(model: ModelName, cell: Cell, child: EngineChild): Promise<void> {
  const { entry, batch } = cell;
  const pass = await child.ask({ batch }, passSchema);
  // Silence at the ends is not counted by all.
  if (pass.frames.length !== batch || pass.frames.some((made) => Math.abs(made - frames) > 1)) {
    throw new Error(`made ${pass.frames.join(", ")} frames instead of ${frames} for each of ${batch} rows`);
  }
  cell.seconds.push(pass.seconds);
  cell.firstSounds.push(pass.first_sound_s);
  cell.memory = Math.max(cell.memory, await child.peakMemory());
  console.log(
    `${model}, ${entry.name}, batch ${batch}: ${pass.seconds.toFixed(2)} s, first sound ${pass.first_sound_s.toFixed(2)} s`,
  );
}

async function measureParts(model: ModelName, entry: EngineEntry): Promise<void> {
  const child = await startParts(entry, model, place);
  if (child === undefined) return;
  try {
    await child.ask({ batch: 1 }, partsSchema);
    for (const batch of batches) {
      parts.push({ model, engine: entry.name, batch, parts: await child.ask({ batch }, partsSchema) });
    }
  } finally {
    await child.close();
  }
}

/** What fails is told of and left out; the others go on. */
async function attempt(name: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

function toJson({ model, engine, batch, speed, firstSound, memory, loadSeconds }: Measured): Record<string, unknown> {
  return {
    ...{ model, engine, batch },
    sound_s_per_s: rounded(speed.median),
    first_sound_s: rounded(firstSound.median),
    rss_mb: Math.round(memory / 1e6),
    load_s: rounded(loadSeconds, 2),
  };
}
