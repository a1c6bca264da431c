/**
 * `npm run bench:pipeline [-- --rounds 3 --recordings 640]`: the whole pipeline, from the gateway to the done event, against its own engine
 * called directly with the same passes, in turn in one run. Writes pipeline.md. The last line is JSON: pipeline_ratio,
 * pipeline_ratio_embedded, mean_pass_size, added_ms_p50, added_ms_p95, behind_backlog_ms_p50, behind_backlog_ms_p95, backlog_kept.
 *
 * - pipeline_ratio: for a random-weight model of 100 M parameters, whose passes cost what a real model's do.
 * - pipeline_ratio_embedded: for parlance-en, so fast that the pipeline is a large part of the work on two cores.
 * - mean_pass_size: segments per pass while more than a pass waits: all passes but the first and the last of each run.
 * - added_ms: what the pipeline adds to one 3 s clip on the interactive lane, over the engine's median for the same clip.
 * - behind_backlog_ms: how long such a clip takes while a backlog of 25 s segments runs, with parlance-en.
 * - backlog_kept: the backlog's speed beside such requests over its speed by itself, in turn: the median of the rounds.
 *
 * Fails when one of them misses its aim (pipeline/figures.ts).
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Bus, connectBus } from "@parlance/bus";
import { writeRandomCtcModel } from "@parlance/inference/testing";
import { exactSamples, wavOf } from "../src/clips.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { createRestClient, type RestClient } from "../src/rest-client.ts";
import { interactiveMilliseconds, runBacklog } from "./load/load.ts";
import { type CpuSeconds, cpuSeconds, difference } from "./measure/cpu-profile.ts";
import { startEngineAlone } from "./measure/engine-alone.ts";
import { ASKED_EVERY_MS, measureBehindBacklog } from "./pipeline/behind-backlog.ts";
import {
  type BehindBacklog,
  type Comparison,
  claimsOf,
  compared,
  figuresOf,
  type Latency,
  type Measured,
} from "./pipeline/figures.ts";
import { page } from "./pipeline/page.ts";

const { values: wished } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, recordings: { type: "string", default: "640" } },
});
const rounds = Number(wished.rounds);
const SEGMENT_SECONDS = 25;
const PASS_SIZE = 16;
const PASS_SECONDS = SEGMENT_SECONDS * PASS_SIZE;
const CLIP_SECONDS = 3;
/** Of the backlog beside requests: what they cost it is about as much as one round differs from the next. */
const MORE_ROUNDS = 2;

const say = (text: string) => process.stdout.write(`${text}\n`);

interface Side {
  pipeline: Pipeline;
  client: RestClient;
  bus: Bus;
  stop(): Promise<void>;
}

const segment = await exactSamples(SEGMENT_SECONDS);
const wav = wavOf([segment]);
const clip = await exactSamples(CLIP_SECONDS);

const folder = await mkdtemp(join(tmpdir(), "parlance-bench-"));
try {
  const { parameters } = await writeRandomCtcModel({
    folder: join(folder, "random-ctc"),
    parameters: 100e6,
    phones: ["", "|", ..."abcdefghijklmnopqrstuvwxyz"],
    characters: ["", " ", ..."abcdefghijklmnopqrstuvwxyz'"],
  });
  say(`a random model of ${(parameters / 1e6).toFixed(0)} M parameters`);
  const large = await compare(join(folder, "random-ctc"), 5);
  const embedded = await compare("parlance-en", 12);
  const measured: Measured = { large, embedded, latency: await interactive(), behind: await behindBacklog() };

  const figures = figuresOf(measured);
  const claims = claimsOf(figures);
  const setup = { parameters, segmentSeconds: SEGMENT_SECONDS, passSize: PASS_SIZE, askedEveryMs: ASKED_EVERY_MS };
  const told = page(measured, figures, claims, { ...setup, profile: embedded.profile });
  await writeFile(new URL("./pipeline.md", import.meta.url), told);
  for (const [claim, holds] of Object.entries(claims)) say(`${holds ? "holds" : "FAILS"}: ${claim}`);
  say(JSON.stringify(figures));
  process.exitCode = Object.values(claims).every(Boolean) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Runs engine and pipeline in turn, each round `passes` passes. `profile`: of the pipeline, in the last round. */
async function compare(modelId: string, passes: number): Promise<Comparison & { profile: CpuSeconds }> {
  const segments = Array.from({ length: PASS_SIZE }, () => segment);
  const directs: number[] = [];
  const throughs: number[] = [];
  const passSizes: number[] = [];
  let profile: CpuSeconds = {};
  const side = await startSide(modelId);
  try {
    // Loads the model, and fills what is filled on first use.
    await runBacklog(side.pipeline.gatewayUrl, side.client, side.bus, wav, PASS_SIZE);
    for (let round = 0; round < rounds; round += 1) {
      const engine = await startEngineAlone(modelId);
      await engine.backlog(segments, 1);
      const direct = (passes * PASS_SECONDS) / (await engine.backlog(segments, passes));
      await engine.close();

      const before = cpuSeconds(side.pipeline.processes().pid);
      const run = await runBacklog(side.pipeline.gatewayUrl, side.client, side.bus, wav, passes * PASS_SIZE);
      profile = difference(cpuSeconds(side.pipeline.processes().pid), before);
      const through = (passes * PASS_SECONDS) / run.seconds;
      passSizes.push(...run.passSizes.slice(1, -1));
      directs.push(direct);
      throughs.push(through);
      say(
        `round ${round + 1}: engine ${direct.toFixed(0)}, pipeline ${through.toFixed(0)} audio seconds per second, passes of ${run.passSizes.join(" ")}`,
      );
    }
  } finally {
    await side.stop();
  }
  return { ...compared(directs, throughs, passSizes), profile };
}

async function startSide(modelId: string): Promise<Side> {
  const pipeline = await startPipeline({ MODEL_ID: modelId, IDLE_TIMEOUT: "0", MAX_BATCH_SIZE: String(PASS_SIZE) });
  const bus = await connectBus({ url: pipeline.natsUrl, name: "bench", ...pipeline.credentials("topology") });
  return {
    pipeline,
    bus,
    client: createRestClient(() => pipeline.gatewayUrl),
    async stop() {
      await bus.close();
      await pipeline.stop();
    },
  };
}

async function interactive(): Promise<Latency> {
  const engine = await startEngineAlone("parlance-en");
  await engine.single(clip, 20);
  const direct = await engine.single(clip, 200);
  await engine.close();
  const side = await startSide("parlance-en");
  try {
    await interactiveMilliseconds(side.pipeline.gatewayUrl, wavOf([clip]), 50);
    const through = await interactiveMilliseconds(side.pipeline.gatewayUrl, wavOf([clip]), 200);
    return { direct, through };
  } finally {
    await side.stop();
  }
}

async function behindBacklog(): Promise<BehindBacklog> {
  const side = await startSide("parlance-en");
  try {
    await interactiveMilliseconds(side.pipeline.gatewayUrl, wavOf([clip]), 20);
    const recording = { wav, seconds: SEGMENT_SECONDS };
    const count = Number(wished.recordings);
    const options = { ...side, recording, count, clip: wavOf([clip]), rounds: rounds + MORE_ROUNDS };
    const behind = await measureBehindBacklog(options);
    for (const [round, { alone, beside }] of behind.rounds.entries()) {
      say(
        `round ${round + 1}: a backlog at ${alone.toFixed(0)} audio seconds per second, ${beside.toFixed(0)} beside requests`,
      );
    }
    return behind;
  } finally {
    await side.stop();
  }
}
