/**
 * `npm run bench:memory [-- --checkpoints 2000,10000,20000 --wave 1000 --rest 45]`: what a history of items leaves in memory and on the
 * disk. Writes memory.md. The last line is JSON: growth_mb, by process, from the first checkpoint to the last, and disk_kb_per_item.
 *
 * 20,000 clips of one second go through the whole pipeline with a model that costs nothing, in waves of 1,000: as drops and by REST, in turn.
 * After 2,000, 10,000 and 20,000 each process is left alone for a while, so that what a burst took can be given back, and read.
 *
 * Fails when a process has grown by 10 MB behind the first 2,000, or nats-server is above the limit that it was told, or was told none.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startPipeline } from "../src/pipeline.ts";
import { startClipClient } from "./jobs/clip-questions.ts";
import { writeFreeModel } from "./load/free-model.ts";
import { type Checkpoint, claimsOf, figuresOf } from "./memory/figures.ts";
import { page } from "./memory/page.ts";
import { diskBytes, natsLimit, residentOf } from "./memory/process-memory.ts";

const { values: wished } = parseArgs({
  options: {
    checkpoints: { type: "string", default: "2000,10000,20000" },
    wave: { type: "string", default: "1000" },
    // What work has left is collected at the first look at rest, some 20 s apart; the decoder goes after 30 s.
    rest: { type: "string", default: "45" },
  },
});
const wave = Number(wished.wave);
const rest = Number(wished.rest);
const clip = { seconds: 1, places: 64 };
const ways = ["drops", "rest"] as const;
const titles = { drops: "drops", rest: "REST" };

const say = (text: string) => process.stdout.write(`${text}\n`);

const folder = await mkdtemp(join(tmpdir(), "parlance-memory-"));
await using opened = new AsyncDisposableStack();
opened.defer(() => rm(folder, { recursive: true, force: true }));
const model = await writeFreeModel(join(folder, "free"));
const settings = { MODEL_ID: model, IDLE_TIMEOUT: "0", ENABLE_TTS: "false" };
const pipeline = opened.adopt(await startPipeline(settings), (started) => started.stop());
const { natsUrl, gatewayUrl, stateDir } = pipeline;
const client = opened.adopt(startClipClient({ natsUrl, gatewayUrl, ...clip }), (started) => started.close());
const diskNow = async () => await diskBytes(join(stateDir, "jetstream"));

const checkpoints: Checkpoint[] = [];
const disk: Record<(typeof ways)[number], number[]> = { drops: [], rest: [] };
let items = 0;
for (let waves = 0; checkpoints.length < wished.checkpoints.split(",").length; ) {
  const next = Number(wished.checkpoints.split(",")[checkpoints.length]);
  while (items < next) {
    const way = ways[waves % ways.length] ?? "drops";
    const count = Math.min(wave, next - items);
    const before = await diskNow();
    const seconds = await client.send({ way, count });
    disk[way].push(((await diskNow()) - before) / 1_000 / count);
    items += count;
    waves += 1;
    say(`${items} items, the last ${count} by ${titles[way]} in ${seconds.toFixed(1)} s`);
  }
  await pause(rest * 1_000);
  const checkpoint = { items, resident: await residentOf(pipeline), disk: await diskNow() };
  checkpoints.push(checkpoint);
  const parts = Object.entries(checkpoint.resident).map(([name, megabytes]) => `${name} ${megabytes.toFixed(0)}`);
  say(`after ${items} items, MB: ${parts.join(", ")}`);
}

const figures = figuresOf(checkpoints);
const limit = natsLimit(pipeline);
const claims = claimsOf(checkpoints, limit);
const perItem = Object.fromEntries(
  ways.filter((way) => disk[way].length > 0).map((way) => [titles[way], mean(disk[way])]),
);
await writeFile(
  new URL("memory.md", import.meta.url),
  page(checkpoints, claims, { wave, rest, disk: perItem, natsLimit: limit }),
);
for (const [claim, holds] of Object.entries(claims)) say(`${holds ? "holds" : "FAILS"}: ${claim}`);
say(JSON.stringify(figures));
process.exitCode = Object.values(claims).every(Boolean) ? 0 : 1;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
