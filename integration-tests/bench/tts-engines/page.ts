/** tts-engines.md: one table for each model, how Parlance stands, and what share of the machine's limit it reaches. */
import { byModel } from "../measure/by-model.ts";
import { machine } from "../measure/machine.ts";
import { show } from "../measure/statistics.ts";
import { AIMS, brokenClaims, comparisons, type Measured, missedAims } from "./claim.ts";
import { engines, FRAME_SECONDS, type ModelName, models, type Parts, THREADS } from "./engine-table.ts";
import { frameCost } from "./model-size.ts";
import { leastTime, type MachineLimits } from "./share.ts";

export interface PartsOfFrame {
  model: ModelName;
  engine: string;
  batch: number;
  parts: Parts;
}

export interface PageFacts {
  measured: readonly Measured[];
  parts: readonly PartsOfFrame[];
  limits: MachineLimits;
  frames: number;
  rounds: number;
  failures: readonly string[];
  without: readonly string[];
  /** Options of a run of a part. */
  asked: string;
}

export function ttsEnginesPage(facts: PageFacts): string {
  const { measured, parts, limits, frames, rounds, failures, without, asked } = facts;
  const notes = [
    ...(without.length > 0 ? [`Left out of this run: ${without.join(", ")}.`] : []),
    ...failures.map((failure) => `Failed in this run: ${failure}`),
  ];
  return `# Qwen3-TTS in Parlance and in the official package, with the same weights

Written by \`npm run bench:tts-engines${asked === "" ? "" : ` -- ${asked}`}\`, on ${machine()}, ${THREADS} threads for each engine.

${verdict(measured)}

Random weights of the true sizes, from one seed: they say nothing of how it sounds. Each row says the same text and makes exactly ${frames} frames
(${(frames * FRAME_SECONDS).toFixed(1)} s of sound), drawn at temperature 0.9 from the 50 likeliest, text first; a clone goes on behind a reference of three seconds, which every engine has
encoded before. One engine is loaded at a time, in a process of its own, with one pass before the first that counts; they take
turns in ${rounds} rounds, in reversed order every second. Figures are medians with their range.

Sound is seconds of it made per second, of all rows together. The first sound is that of the row which waits longest for it: the official
package answers when all is said. Memory is the peak of the process so far, in MB of 10^6 bytes; loading is without starting Node or Python.

${byModel(measured, modelSection)}

## What the machine can do, and what is reached

Measured before the run, on ${THREADS} threads: ${(limits.bytesPerSecond / 1e9).toFixed(1)} GB/s read of memory; ${(limits.smallProductsPerSecond / 1e9).toFixed(0)} billion products a second of eight-bit
numbers and ${(limits.floatProductsPerSecond / 1e9).toFixed(0)} billion of float32, in large matrices by ONNX Runtime. A frame reads every weight of the talker once and those of the predictor
fifteen times, for any number of rows; each row multiplies by all of them, and its codec takes 2.4 billion products in float32. The least
time of a frame is the larger of reading and multiplying, and the codec's products; the share is that time of what a frame of all rows took.
int4 is computed in eight bits.

| model | engine | batch | a frame took | read | products | codec's | least | share |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${measured.map((cell) => limitLine(cell, limits)).join("\n")}

Where Parlance's time goes, each part by itself: the best of a few runs, for one frame of all rows. The rest is prompts, chances, small
chunks of the codec at a row's beginning, and what the parts take of each other's caches.

| model | engine | batch | talker | predictor | codec | of the frame's time |
| --- | --- | --- | --- | --- | --- | --- |
${parts.map((each) => partsLine(each, measured)).join("\n")}

## About the peers

qwen-tts 0.1.1 with transformers 4.57.3 and torch 2.15.0, \`sdpa\` attention. bfloat16 runs without AMX unless ONEDNN_MAX_CPU_ISA says
otherwise: some virtual machines announce AMX and end the process that uses it. No other program that says Qwen3-TTS on a
CPU was found in a registry whose packages run here: sherpa-onnx and transformers.js have no Qwen3-TTS, faster-qwen3-tts wants CUDA, and
ElBruno.QwenTTS wants .NET. wavekat-tts, a crate, reads graphs of its own layout and was not run: Parlance loads the same graphs.
${notes.map((note) => `\n${note}\n`).join("")}`;
}

function verdict(measured: readonly Measured[]): string {
  const all = comparisons(measured);
  if (all.length === 0) return "Parlance and the official package were not compared in this run.";
  const broken = brokenClaims(measured);
  const missed = missedAims(measured);
  const aims = all.filter(({ batch }) => batch in AIMS);
  const lines = all.map(
    ({ model, batch, peer, ratio, sooner }) =>
      `* ${model}, batch ${batch}: ${ratio.toFixed(2)} times the speed of ${peer}, its first sound ${sooner.toFixed(1)} times as soon`,
  );
  const ahead =
    "Parlance is ahead of the official package, in the faster of its formats, at every batch that was measured.";
  const behind = "**Parlance is not ahead of the official package at every batch.**";
  const held = `${aims.length - missed.length} of ${aims.length} aims that were measured are reached`;
  return `${broken.length === 0 ? ahead : behind}
Aimed at: twice its speed at batch 1 and four times at 16. ${held}${missed.length === 0 ? "." : `; **missed:** ${missed.join("; ")}.`}

${lines.join("\n")}`;
}

function modelSection(name: string, cells: readonly Measured[]): string {
  const rows = cells.map(
    ({ engine, batch, speed, firstSound, memory, loadSeconds }) =>
      `| ${engine} | ${batch} | ${show(speed)} | ${show(firstSound)} | ${Math.round(memory / 1e6)} | ${loadSeconds.toFixed(1)} |`,
  );
  return `## ${name}

| engine | batch | sound, s/s | first sound, s | MB | loading, s |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}`;
}

function secondsOfFrame({ batch, speed }: Measured): number {
  return (batch * FRAME_SECONDS) / speed.median;
}

function limitLine(cell: Measured, limits: MachineLimits): string {
  const { model, engine, batch } = cell;
  const entry = engines.find(({ name }) => name === engine);
  const known = Object.entries(models).find(([name]) => name === model)?.[1];
  if (entry === undefined || known === undefined) throw new RangeError(`${model}, ${engine} is not in the tables`);
  const { bytesPerWeight, format } = entry;
  const work = { cost: frameCost(known.size), bytesPerWeight, batch, eightBits: format !== undefined };
  const { reading, products, codec, least } = leastTime(work, limits);
  const took = secondsOfFrame(cell);
  const cells = [took, reading, products, codec, least].map(milliseconds);
  return `| ${model} | ${engine} | ${batch} | ${cells.join(" | ")} | ${percent(least / took)} |`;
}

function partsLine({ model, engine, batch, parts }: PartsOfFrame, measured: readonly Measured[]) {
  const cell = measured.find((each) => each.model === model && each.engine === engine && each.batch === batch);
  const sum = parts.talker + parts.predictor + parts.codec;
  const share = cell === undefined ? "–" : percent(sum / secondsOfFrame(cell));
  return `| ${model} | ${engine} | ${batch} | ${[parts.talker, parts.predictor, parts.codec].map(milliseconds).join(" | ")} | ${share} |`;
}

function milliseconds(seconds: number): string {
  return `${(1_000 * seconds).toFixed(0)} ms`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
