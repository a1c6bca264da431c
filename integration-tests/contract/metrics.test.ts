/** METRICS_PORT of `npm start`: one page with everything that its services count, as Prometheus reads it. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { headerNames, subjects } from "@parlance/contracts";
import { readExposition, type Sample } from "@parlance/telemetry/testing";
import { connect, headers } from "nats";
import { afterAll, beforeAll, expect, it } from "vitest";
import { demoClips } from "../src/clips.ts";
import { type Pipeline, repositoryRoot, startPipeline } from "../src/pipeline.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline({ METRICS_PORT: "0", TRANSCRIBE_WORKERS: "2" });
}, 180_000);
afterAll(() => pipeline?.stop(), 60_000);

async function scrape(): Promise<Sample[]> {
  const response = await fetch(pipeline.processes().metricsUrl ?? "");
  expect(response.headers.get("content-type")).toContain("version=0.0.4");
  return readExposition(await response.text());
}

function sum(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number {
  const wanted = Object.entries(labels);
  return samples
    .filter((sample) => sample.name === name && wanted.every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

it("has every service on it: requests, engines, swaps, dead letters", async () => {
  const [clip] = await demoClips();
  if (clip === undefined) throw new Error("there are no clips");
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
  const response = await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
  expect(response.status).toBe(200);
  const nats = await connect({ servers: pipeline.natsUrl });
  const json = headers();
  json.set(headerNames.contentType, "application/json");
  nats.publish(subjects.intake("test", randomUUID()), "{no json", { headers: json });
  await nats.flush();
  await nats.close();

  await expect.poll(async () => sum(await scrape(), "parlance_ingest_dead_letters_total"), { timeout: 30_000 }).toBe(1);
  const samples = await scrape();
  const instances = ["gateway", "ingest", "results", "transcribe-worker", "transcribe-worker-2", "tts-worker"];
  for (const instance of instances) expect(sum(samples, "parlance_service_up", { instance }), instance).toBe(1);
  expect(sum(samples, "parlance_http_requests_total", { service: "gateway", status: "200" })).toBeGreaterThan(0);
  expect(sum(samples, "parlance_items_done_total", { service: "results" })).toBeGreaterThan(0);
  expect(sum(samples, "parlance_engine_starts_total", { service: "transcribe-worker" })).toBe(1);
  expect(sum(samples, "parlance_swap_seconds_count", { service: "transcribe-worker" })).toBe(1);
  expect(sum(samples, "parlance_lease_held", { service: "transcribe-worker" })).toBe(1);
  const workers = samples.filter(
    ({ name, labels }) => name === "parlance_passes_total" && labels.service === "transcribe-worker",
  );
  expect(workers.map(({ labels }) => labels.instance).sort()).toEqual(["transcribe-worker", "transcribe-worker-2"]);
}, 120_000);

it("says in one line that the port is taken", async () => {
  const { port } = new URL(pipeline.processes().metricsUrl ?? "");
  const child = spawn(process.execPath, [`${repositoryRoot}services/stack/start.mjs`], {
    env: { ...process.env, PORT: "0", NATS_PORT: "-1", METRICS_PORT: port, STATE_DIR: `${pipeline.stateDir}/other` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const [status] = await once(child, "close");
  expect(output).toBe(`parlance: METRICS_PORT: ${port} on 127.0.0.1 is taken by another program\n`);
  expect(status).toBe(1);
}, 120_000);
