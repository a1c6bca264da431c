/**
 * `npm run bench:jobs [-- --items 1000 --rounds 5]`: what an item costs around its model, beside a job queue. Writes jobs.md. The last line
 * is JSON: drops_per_s, rest_per_s, drops_per_s_embedded, rest_per_s_embedded, bullmq_per_s, nats_alone_per_s,
 * cpu_ms_per_drop, cpu_ms_per_rest_item, durable_writes_per_drop.
 *
 * Clips of one second go through the whole pipeline as drops and by REST, with a model that costs nothing and with the embedded one. Beside it,
 * in the same run and at equal durability: the same bytes as jobs of BullMQ whose processor does nothing, where there is a redis-server on
 * PATH, and as messages that nats-server stores and nobody takes. All ways in turn, in reversed order every second round.
 *
 * - drops_per_s and the like: items that ended, from the first one that is sent to the end of the last one.
 * - cpu_ms: processor time of the services and nats-server; who sends is a process of its own, and it and the engine are told beside it.
 * - durable_writes_per_drop: messages that nats-server stored on its disk, by the sequences of its streams.
 *
 * Fails when fewer drops end with the free model than jobs with BullMQ, when a drop costs more than 3 ms besides its engine, or is
 * stored in more than 3 writes.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Bus, connectBus } from "@parlance/bus";
import { startTestServer } from "@parlance/nats/testing";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { type BullMq, startBullMq } from "./jobs/bullmq.ts";
import { type ClipClient, type ClipQuestion, startClipClient } from "./jobs/clip-questions.ts";
import { settledSequences, writesBetween } from "./jobs/durable-writes.ts";
import { CLIENT, claimsOf, figuresOf, type Run, type Way } from "./jobs/figures.ts";
import { page } from "./jobs/page.ts";
import { writeFreeModel } from "./load/free-model.ts";
import { cpuSeconds, difference, OWN_CLIENT, processorSeconds } from "./measure/cpu-profile.ts";

const { values: wished } = parseArgs({
  options: { items: { type: "string", default: "1000" }, rounds: { type: "string", default: "5" } },
});
const items = Number(wished.items);
const rounds = Number(wished.rounds);
const clip = { seconds: 1, places: 64 };
/** Before anything is measured: loads the models, compiles what is run often, opens connections. */
const WARM_UP_ITEMS = Math.ceil(items / 5);
const INTAKE_BYTES = 2 ** 33;

const say = (text: string) => process.stdout.write(`${text}\n`);

interface Side {
  pipeline: Pipeline;
  bus: Bus;
  client: ClipClient;
}

const folder = await mkdtemp(join(tmpdir(), "parlance-jobs-"));
await using opened = new AsyncDisposableStack();
opened.defer(() => rm(folder, { recursive: true, force: true }));

const free = await startSide(await writeFreeModel(join(folder, "free")));
const embedded = await startSide("parlance-en");
const store = opened.use(await startTestServer({ settings: { INTAKE_MAX_BYTES: INTAKE_BYTES } }));
const storeClient = opened.adopt(startClipClient({ natsUrl: store.url, ...clip }), (client) => client.close());
const bullmq = await startBullMq(clip);
opened.defer(async () => bullmq?.stop());
if (bullmq === undefined) say("no redis-server on PATH: BullMQ is not measured (Debian: apt-get install redis-server)");

type Step = readonly [Way, (count: number) => Promise<Run>];
const queue: readonly Step[] =
  bullmq === undefined ? [] : [["bullmq", async (count) => await besideThem(count, bullmq)]];
const steps: readonly Step[] = [
  ["drops", (count) => through(free, { way: "drops", count })],
  ["rest", (count) => through(free, { way: "rest", count })],
  ["drops_embedded", (count) => through(embedded, { way: "drops", count })],
  ["rest_embedded", (count) => through(embedded, { way: "rest", count })],
  ["nats_alone", storedAlone],
  ...queue,
];
const measured: Record<Way, Run[]> = {
  drops: [],
  rest: [],
  drops_embedded: [],
  rest_embedded: [],
  bullmq: [],
  nats_alone: [],
};
for (const [, step] of steps) await step(WARM_UP_ITEMS);
for (let round = 0; round < rounds; round += 1) {
  for (const [way, step] of round % 2 === 0 ? steps : steps.toReversed()) measured[way].push(await step(items));
  const speeds = steps.map(([way]) => `${way} ${measured[way].at(-1)?.perSecond.toFixed(0)}`);
  say(`round ${round + 1}, items a second: ${speeds.join(", ")}`);
}

const figures = figuresOf(measured);
const claims = claimsOf(figures);
await writeFile(
  new URL("jobs.md", import.meta.url),
  page(measured, claims, { items, ...clip, redis: bullmq?.version }),
);
for (const [claim, holds] of Object.entries(claims)) say(`${holds ? "holds" : "FAILS"}: ${claim}`);
say(JSON.stringify(figures));
process.exitCode = Object.values(claims).every(Boolean) ? 0 : 1;

async function startSide(model: string): Promise<Side> {
  const settings = { MODEL_ID: model, IDLE_TIMEOUT: "0", ENABLE_TTS: "false" };
  const pipeline = opened.adopt(await startPipeline(settings), (started) => started.stop());
  const { natsUrl, gatewayUrl } = pipeline;
  const login = { url: natsUrl, name: "bench", ...pipeline.credentials("topology") };
  const bus = opened.adopt(await connectBus(login), (connected) => connected.close());
  const client = opened.adopt(startClipClient({ natsUrl, gatewayUrl, ...clip }), (started) => started.close());
  return { pipeline, bus, client };
}

async function through({ pipeline, bus, client }: Side, question: ClipQuestion): Promise<Run> {
  const costs = () => ({ ...cpuSeconds(pipeline.processes().pid), [CLIENT]: client.seconds() });
  const [stored, used] = [await settledSequences(bus), costs()];
  const seconds = await client.send(question);
  const writes = writesBetween(stored, await settledSequences(bus));
  const { [OWN_CLIENT]: _asks, ...parts } = difference(costs(), used);
  return {
    perSecond: question.count / seconds,
    cpu: forEach(parts, question.count, 1_000),
    writes: forEach(Object.fromEntries(writes), question.count),
  };
}

async function storedAlone(count: number): Promise<Run> {
  const costs = () => ({ "nats-server": processorSeconds(store.pid), [CLIENT]: storeClient.seconds() });
  const used = costs();
  const seconds = await storeClient.send({ way: "store", count });
  const cpu = forEach(difference(costs(), used), count, 1_000);
  return { perSecond: count / seconds, cpu, writes: {} };
}

async function besideThem(count: number, peer: BullMq): Promise<Run> {
  const costs = () => ({ "Redis and worker": peer.seconds(), [CLIENT]: peer.clientSeconds() });
  const used = costs();
  const seconds = await peer.run(count);
  return { perSecond: count / seconds, cpu: forEach(difference(costs(), used), count, 1_000), writes: {} };
}

/** Of each, what there is of it for one item, in units of which `units` make one. */
function forEach(sums: Readonly<Record<string, number>>, count: number, units = 1): Record<string, number> {
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, (sum * units) / count]));
}
