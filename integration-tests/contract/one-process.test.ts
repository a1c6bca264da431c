/** `PROCESSES=one`: the whole pipeline with its services in one process, from outside. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectBus } from "@parlance/bus";
import { streams, subjects, type Transcript } from "@parlance/contracts";
import { readExposition } from "@parlance/telemetry/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Clip, demoClips } from "../src/clips.ts";
import { type Pipeline, repositoryRoot, startPipeline } from "../src/pipeline.ts";
import { engineProcesses, isAlive, processTree } from "../src/process-table.ts";
import { untilFinished } from "../src/queue.ts";
import { createRestClient, type QueueItem, type RestClient } from "../src/rest-client.ts";
import { countErrors } from "../src/word-error-rate.ts";

const services = ["gateway", "ingest", "results", "transcribe-worker", "tts-worker"];

let pipeline: Pipeline;
let client: RestClient;
let clips: Clip[];
beforeAll(async () => {
  clips = await demoClips();
  pipeline = await startPipeline({ PROCESSES: "one", METRICS_PORT: "0" });
  client = createRestClient(() => pipeline.gatewayUrl);
}, 180_000);
afterAll(() => pipeline?.stop(), 60_000);

const processOf = (name: string) => pipeline.processes().pids[name] ?? 0;

it("all services are one process, and nothing else of Node runs beside it but what watches it", () => {
  expect(new Set(services.map(processOf))).toEqual(new Set([processOf("gateway")]));
  const nodes = processTree(pipeline.processes().pid).filter((pid) => /^[^\0]*node\0/.test(commandOf(pid)));
  expect(nodes.sort()).toEqual([pipeline.processes().pid, processOf("gateway")].sort());
});

it("is told the services' passwords, and has none in its environment", () => {
  const environment = readFileSync(`/proc/${processOf("gateway")}/environ`, "utf8");
  for (const name of services) expect(environment).not.toContain(pipeline.credentials(name).password);
});

it("transcribes and speaks", async () => {
  const [clip] = clips;
  if (clip === undefined) throw new Error("there are no clips");
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
  const heard = await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
  expect(countErrors(clip.text, ((await heard.json()) as Transcript).text).errors).toBeLessThanOrEqual(1);
  const spoken = await fetch(`${pipeline.gatewayUrl}/v1/audio/speech`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: "Good morning.", response_format: "wav" }),
  });
  expect(spoken.status).toBe(200);
  expect((await spoken.arrayBuffer()).byteLength).toBeGreaterThan(20_000);
}, 120_000);

it("each service's metrics are its own", async () => {
  const page = readExposition(await (await fetch(pipeline.processes().metricsUrl ?? "")).text());
  for (const instance of services) {
    const up = page.filter(({ name, labels }) => name === "parlance_service_up" && labels.instance === instance);
    expect(up.map(({ value }) => value)).toEqual([1]);
    expect(page.some(({ name, labels }) => name !== "parlance_service_up" && labels.service === instance)).toBe(true);
  }
});

it("killed at work it is started again at the same address, its engine is gone, and each accepted item ends once", async () => {
  const items: QueueItem[] = [];
  for (const [index, clip] of [...clips, ...clips].entries()) {
    const file = await client.upload(clip.bytes, clip.name, clip.type);
    items.push({ operation: "transcribe", ref_audio: file, custom_id: `heard ${index}` });
    items.push({ operation: "custom_voice", text: clip.text, custom_id: `spoken ${index}` });
  }
  const { batch_id: batchId } = await client.submit("killed", items, randomUUID());
  await expect.poll(async () => (await client.status(batchId)).completed, { timeout: 60_000 }).toBeGreaterThan(0);
  await expect.poll(() => engineProcesses(pipeline).length, { timeout: 20_000, interval: 5 }).toBe(1);
  const engines = engineProcesses(pipeline);
  const killed = processOf("gateway");
  process.kill(killed, "SIGKILL");
  await expect.poll(() => engines.filter(({ pid }) => isAlive(pid)), { timeout: 20_000 }).toEqual([]);

  const status = await untilFinished(client, batchId, 120_000);
  expect(status.items.filter((item) => item.status !== "done")).toEqual([]);
  expect(processOf("gateway")).not.toBe(killed);
  expect(await doneEvents(batchId)).toEqual(items.map(() => 1));
}, 240_000);

it("stopping it ends every process, and what it held is given back", async () => {
  const lines: string[] = [];
  const own = await startPipeline(
    { PROCESSES: "one", LOG_LEVEL: "info", LOG_FORMAT: "json" },
    { onLine: (line) => lines.push(line) },
  );
  const response = await fetch(`${own.gatewayUrl}/v1/audio/speech`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ input: "Good evening.", response_format: "wav" }),
  });
  expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(20_000);
  const written = lines.flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as { service: string }] : []));
  expect(new Set(written.map(({ service }) => service))).toEqual(new Set(["stack", ...services]));
  const pids = processTree(own.processes().pid);
  expect(engineProcesses(own).length).toBe(1);
  await own.stop();
  await expect.poll(() => pids.filter(isAlive), { timeout: 5_000 }).toEqual([]);
}, 120_000);

it("one service that cannot start ends all of it, in one line with its name", async () => {
  const { port } = new URL(pipeline.gatewayUrl);
  const stateDir = await mkdtemp(join(tmpdir(), "parlance-one-"));
  const child = spawn(process.execPath, [join(repositoryRoot, "services/stack/start.mjs")], {
    env: { ...process.env, PROCESSES: "one", PORT: port, NATS_PORT: "-1", LOG_LEVEL: "warn", STATE_DIR: stateDir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const [status] = await once(child, "close");
  expect(output).toBe(`parlance: gateway: PORT: ${port} on 127.0.0.1 is taken by another program\n`);
  expect(status).toBe(1);
  await rm(stateDir, { recursive: true, force: true });
}, 120_000);

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8");
}

/** How many terminal events each item of a batch has. */
async function doneEvents(batchId: string): Promise<number[]> {
  const bus = await connectBus({ url: pipeline.natsUrl, name: "test", ...pipeline.credentials("topology") });
  try {
    return [...(await bus.countSubjects(streams.results, subjects.batchDone(batchId))).values()];
  } finally {
    await bus.close();
  }
}
