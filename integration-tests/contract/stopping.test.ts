/** What callers are told while `npm start` cannot store, and when it is stopped under them. */
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { demoClips } from "../src/clips.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await startPipeline({ ENABLE_TTS: "false", PROCESSES: "many" });
}, 180_000);
afterAll(() => pipeline?.stop(), 60_000);

async function transcribe(): Promise<{ status: number; body: unknown }> {
  const [clip] = await demoClips();
  if (clip === undefined) throw new Error("there are no clips");
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
  const response = await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
  return { status: response.status, body: await response.json() };
}

const readyz = async () => (await fetch(`${pipeline.gatewayUrl}/readyz`)).status;

it("a folder that can no longer be written is told at once, in /readyz too, until it can", async () => {
  const store = join(pipeline.stateDir, "jetstream");
  // Whoever may do everything is stopped by no mode of a folder.
  await rename(store, `${store}-away`);
  await expect.poll(readyz, { timeout: 20_000 }).toBe(503);
  const message = "JetStream's folder cannot be written: nothing is stored until it can.";
  expect(await transcribe()).toMatchObject({ status: 507, body: { error: { code: "storage_full", message } } });
  await rename(`${store}-away`, store);
  await expect.poll(readyz, { timeout: 60_000 }).toBe(200);
}, 120_000);

it("Ctrl-C answers a request that waits for its transcript", async () => {
  // A worker that stands still keeps the request waiting for certain.
  const worker = pipeline.processes().pids["transcribe-worker"] ?? 0;
  process.kill(worker, "SIGSTOP");
  const waiting = transcribe();
  await expect
    .poll(async () => await (await fetch(`${pipeline.gatewayUrl}/metrics`)).text(), { timeout: 20_000 })
    .toMatch(/^parlance_waiting_requests\{[^}]*\} 1$/m);
  process.kill(pipeline.processes().pid, "SIGINT");
  expect(await waiting).toMatchObject({ status: 503, body: { error: { code: "stopping" } } });
  process.kill(worker, "SIGCONT");
}, 120_000);
