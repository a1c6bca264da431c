/**
 * `npm run bench:engines [-- --models a,b --batches 1,8,16 --rounds 3 --minutes 30 --without "name,name" --beams --write]`: Parlance's recogniser side by side with the peers that
 * read the same weights, on this CPU. Writes engines.md. The last line is JSON: `engines` has one object for each model,
 * engine and batch with audio_s_per_s, rss_mb, load_s.
 *
 * models/recipes/bench-engines makes the models, with random weights of the true sizes, and installs the peers: several GB below
 * .parlance/bench-engines, once. Random weights do not end a text by themselves, so every engine says the same number of tokens for
 * the same segments, greedily, on the same number of threads; an engine that says another number fails the run.
 * Engines stay loaded, each in its own process, and take turns within each round. A pass of more than LONG_SECONDS is
 * measured once; `--minutes` bounds the rounds after the first one of each model.
 */
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { exactSamples } from "../src/clips.ts";
import type { EngineChild } from "./engines/engine-child.ts";
import {
  beamEngines,
  type EngineEntry,
  enginesOf,
  type ModelName,
  models,
  SEGMENT_SECONDS,
  startEntry,
} from "./engines/engine-table.ts";
import { enginesPage, type Measured } from "./engines/page.ts";
import { spread } from "./statistics.ts";

const LONG_SECONDS = 12;

const { values: wished } = parseArgs({
  options: {
    models: { type: "string", default: Object.keys(models).join(",") },
    batches: { type: "string", default: "1,8,16" },
    rounds: { type: "string", default: "3" },
    without: { type: "string", default: "" },
    minutes: { type: "string", default: "30" },
    beams: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const names = wished.models.split(",").map((name) => {
  if (!isModel(name)) throw new Error(`--models: there is no ${name}, only ${Object.keys(models).join(", ")}`);
  return name;
});
const batches = wished.batches.split(",").map(Number);
const without = wished.without === "" ? [] : wished.without.split(",");
const rounds = Number(wished.rounds);
/** For a model: no round is begun after that. */
const minutes = Number(wished.minutes);
/** A run of a part is printed instead, unless it is asked for. */
const writesPage = process.argv.length === 2 || wished.write;

const work = fileURLToPath(new URL("../../.parlance/bench-engines", import.meta.url));
const make = fileURLToPath(new URL("../../models/recipes/bench-engines/make", import.meta.url));
const { status } = spawnSync(make, [work, ...names], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);

const segments = `${work}/segments.pcm`;
const audio = await exactSamples(SEGMENT_SECONDS * Math.max(...batches));
await writeFile(segments, new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength));

const othersRunning = loadavg()[0] ?? 0;
const measured: Measured[] = [];
const failures: string[] = [];
for (const model of names) {
  const chosen = ({ name }: EngineEntry) => !without.includes(name);
  await measure(model, enginesOf[models[model].family].filter(chosen));
  if (wished.beams && models[model].family === "whisper") await measure(model, beamEngines.filter(chosen));
  const page = enginesPage({ measured, othersRunning, rounds, longSeconds: LONG_SECONDS, without, failures });
  // Written after each model: a run that is killed leaves what it has measured.
  if (writesPage) await writeFile(new URL("engines.md", import.meta.url), page);
  else console.log(page);
}
for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exitCode = 1;
console.log(JSON.stringify({ engines: measured.map(toJson) }));

function isModel(name: string): name is ModelName {
  return name in models;
}

async function measure(model: ModelName, entries: readonly EngineEntry[]): Promise<void> {
  const running: { entry: EngineEntry; child: EngineChild }[] = [];
  const until = performance.now() + minutes * 60_000;
  try {
    for (const entry of entries) {
      const child = await attempt(model, entry, () => startEntry(entry, model, work, segments));
      if (child === undefined) continue;
      // The first pass of a process pays for what is made once.
      const warm = await attempt(model, entry, () => child.pass(1, entry.beams));
      if (warm === undefined) await child.close();
      else running.push({ entry, child });
    }
    const cells = batches.flatMap((batch) =>
      running.map((engine) => ({
        ...engine,
        batch,
        speeds: [] as number[],
        perProcessorSecond: [] as number[],
        memory: 0,
        done: false,
      })),
    );
    for (let round = 0; round < rounds; round += 1) {
      for (const cell of cells) {
        // The first round is always whole.
        if (cell.done || (round > 0 && performance.now() > until)) continue;
        const { entry, child, batch, speeds } = cell;
        const pass = await attempt(model, entry, () => passOf(model, entry, child, batch));
        cell.done = pass === undefined || pass.seconds > LONG_SECONDS;
        if (pass === undefined) continue;
        const audioSeconds = batch * SEGMENT_SECONDS;
        speeds.push(audioSeconds / pass.seconds);
        cell.perProcessorSecond.push(audioSeconds / pass.processorSeconds);
        console.log(
          `${model}, ${entry.name}, beam ${entry.beams}, batch ${batch}: ${pass.seconds.toFixed(2)} s, ${pass.processorSeconds} of processor time`,
        );
        // Later rounds begin with what the larger batches left behind.
        if (round === 0) cell.memory = await child.peakMemory();
      }
    }
    for (const { entry, child, batch, speeds, perProcessorSecond, memory } of cells) {
      if (speeds.length === 0) continue;
      const { name: engine, beams } = entry;
      const { loadSeconds } = child;
      const [speed, efficiency] = [spread(speeds), spread(perProcessorSecond)];
      measured.push({ model, engine, beams, batch, speed, efficiency, runs: speeds.length, memory, loadSeconds });
    }
  } finally {
    await Promise.all(running.map(({ child }) => child.close()));
  }
}

async function passOf(model: ModelName, entry: EngineEntry, child: EngineChild, batch: number) {
  const before = await child.processorSeconds();
  const pass = await child.pass(batch, entry.beams);
  const processorSeconds = (await child.processorSeconds()) - before;
  const { tokens } = models[model];
  if (pass.tokens.length !== batch || pass.tokens.some((said) => said !== tokens)) {
    throw new Error(`said ${pass.tokens.join(", ")} tokens instead of ${tokens} for each of ${batch} segments`);
  }
  return { ...pass, processorSeconds };
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

function toJson({
  model,
  engine,
  beams,
  batch,
  speed,
  efficiency,
  memory,
  loadSeconds,
}: Measured): Record<string, unknown> {
  return {
    ...{ model, engine, beams, batch },
    audio_s_per_s: Number(speed.median.toFixed(2)),
    audio_s_per_processor_s: Number(efficiency.median.toFixed(2)),
    rss_mb: Math.round(memory / 1e6),
    load_s: Number(loadSeconds.toFixed(2)),
  };
}
