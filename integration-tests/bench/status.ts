/**
 * `npm run bench:status [-- --items 1000 --batches 10 --reads 1000 --waits 50]`: how soon a batch's status is there, and what it costs. Writes
 * status.md. The last line is JSON: status_ms_p50, status_ms_p99, status_ms_p99_running, cpu_ms_per_status, status_ms_p99_plain, cpu_ms_per_status_plain,
 * changed_event_ms_p50 (null where the gateway knows no `?wait`).
 *
 * One batch of 1,000 items, then ten at once, through a model that costs nothing. A client in a process of its own asks for their statuses, one
 * after another, while they run and when they are finished.
 *
 * - status_ms: from the request's first byte to the answer's last. Without more in its name: of finished batches.
 * - cpu_ms_per_status: processor time of the services and nats-server for a status of a finished batch, less what they use at rest.
 *
 * The client takes compressed answers, as most do; `_plain`: it takes none, as curl does by itself.
 * - changed_event_ms: from an item's end, as its event is stored, to the answer of a client that waits for it with `?wait=30`.
 *
 * Fails when a status takes longer than 10 ms at p99, 25 ms while its batch runs, or costs more than 2 ms of processor time.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Bus, connectBus } from "@parlance/bus";
import { streams, subjects } from "@parlance/contracts";
import { startPipeline } from "../src/pipeline.ts";
import { writeFreeModel } from "./load/free-model.ts";
import { type CpuSeconds, cpuSeconds, difference, OWN_CLIENT } from "./measure/cpu-profile.ts";
import { claimsOf, figuresOf, type Measured } from "./status/figures.ts";
import { page } from "./status/page.ts";
import { startStatusClient, type Waited } from "./status/status-questions.ts";

const { values: wished } = parseArgs({
  options: {
    items: { type: "string", default: "1000" },
    batches: { type: "string", default: "10" },
    reads: { type: "string", default: "1000" },
    waits: { type: "string", default: "50" },
  },
});
const items = Number(wished.items);
const reads = Number(wished.reads);
const PAUSE_MS = 20;
/** Asked before anything is measured of finished batches, so that what is run often is compiled: a gateway has been up for a while. */
const WARM_READS = 300;
/** What the last batch leaves to do is done by then, and its memory collected: a service that rests does so within 40 s. */
const SETTLE_MS = 45_000;
const REST_MS = 10_000;

const say = (text: string) => process.stdout.write(`${text}\n`);

const folder = await mkdtemp(join(tmpdir(), "parlance-status-"));
await using opened = new AsyncDisposableStack();
opened.defer(() => rm(folder, { recursive: true, force: true }));
const model = await writeFreeModel(join(folder, "free"));
const settings = { MODEL_ID: model, IDLE_TIMEOUT: "0", ENABLE_TTS: "false" };
const pipeline = opened.adopt(await startPipeline(settings), (started) => started.stop());
const { gatewayUrl, natsUrl } = pipeline;
const login = { url: natsUrl, name: "bench", ...pipeline.credentials("topology") };
const bus = opened.adopt(await connectBus(login), (connected) => connected.close());
const client = opened.adopt(startStatusClient({ gatewayUrl, pauseMs: PAUSE_MS }), (started) => started.close());

// Loads the model, and compiles what is run often.
await client.run(1, Math.ceil(items / 5));
const running: Record<string, number[]> = {};
const batchIds: string[] = [];
for (const batches of [1, Number(wished.batches)]) {
  const ran = await client.run(batches, items);
  const name = `${batches === 1 ? "one batch" : `${batches} batches at once`}, running`;
  running[name] = ran.times;
  batchIds.push(...ran.batchIds);
  say(`${name}: ${ran.times.length} statuses`);
}
for (const gzip of [true, false]) await client.read(batchIds, WARM_READS, gzip);
await pause(SETTLE_MS);
const atRest = await restingCpu();
const { times: done, cpu } = await readDone(atRest, true);
const { times: donePlain, cpu: cpuPlain } = await readDone(atRest, false);
const answers = await client.wait(Number(wished.waits));
if (answers === null) say("the gateway tells no ETag: it knows no ?wait, and nothing is measured of it");
const changed = answers === null ? undefined : await changesTo(bus, answers);

const measured: Measured = { done, donePlain, running, cpu, cpuPlain, changed };
const figures = figuresOf(measured);
const claims = claimsOf(figures);
await writeFile(new URL("status.md", import.meta.url), page(measured, claims, { items, pauseMs: PAUSE_MS }));
for (const [claim, holds] of Object.entries(claims)) say(`${holds ? "holds" : "FAILS"}: ${claim}`);
say(JSON.stringify(figures));
process.exitCode = Object.values(claims).every(Boolean) ? 0 : 1;

/** What is used while nobody asks, in a millisecond. */
async function restingCpu(): Promise<CpuSeconds> {
  const [from, began] = [usedCpu(), performance.now()];
  await pause(REST_MS);
  const used = difference(usedCpu(), from);
  const milliseconds = performance.now() - began;
  return Object.fromEntries(Object.entries(used).map(([part, seconds]) => [part, seconds / milliseconds]));
}

async function readDone(atRest: CpuSeconds, gzip: boolean): Promise<{ times: number[]; cpu: CpuSeconds }> {
  const [from, began] = [usedCpu(), performance.now()];
  const times = await client.read(batchIds, reads, gzip);
  const milliseconds = performance.now() - began;
  const { [OWN_CLIENT]: _asks, ...parts } = difference(usedCpu(), from);
  const each = Object.entries(parts).map(([part, seconds]) => {
    const more = seconds - (atRest[part] ?? 0) * milliseconds;
    return [part, (more * 1_000) / reads] as const;
  });
  return { times, cpu: Object.fromEntries(each) };
}

function usedCpu(): CpuSeconds {
  return cpuSeconds(pipeline.processes().pid);
}

/** Milliseconds from each item's end to the answer that told it. */
async function changesTo(from: Bus, told: NonNullable<Waited["answers"]>): Promise<number[]> {
  return await Promise.all(
    told.map(async ({ batchId, itemId, at }) => {
      const end = await from.last(streams.results, subjects.done(batchId, itemId));
      if (end === undefined) throw new Error(`${batchId} has no end`);
      return at - end.time;
    }),
  );
}
