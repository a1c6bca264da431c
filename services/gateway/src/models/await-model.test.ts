/** A model that cannot be loaded, as callers meet it. The workers say so; the pipeline behind is the fake one. */
import { answerAsWorker } from "@parlance/bus/testing";
import { batchEntries, batchStatusSchema, errorBodySchema, healthSchema, type WorkerState } from "@parlance/contracts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  audioForm,
  eventually,
  startRig,
  startTestGateway,
  type TestGateway,
  type TestRig,
} from "../testing/test-gateway.ts";

let rig: TestRig;
let gateway: TestGateway;
let leave: (() => void)[] = [];

beforeAll(async () => {
  rig = await startRig();
  gateway = await startTestGateway(rig.server, { REQUEST_TIMEOUT: "60" });
});
afterEach(async () => {
  for (const gone of leave) gone();
  leave = [];
  await rig.pipeline.bus.flush();
  // What was heard is kept for a second.
  await eventually(async () => ((await gateway.json("/readyz")).status === 200 ? true : undefined));
});
afterAll(async () => {
  await gateway.close();
  await rig.close();
});

async function worker(state: Partial<WorkerState>): Promise<() => void> {
  const gone = await answerAsWorker(rig.pipeline.bus, state);
  leave.push(gone);
  return gone;
}

const trouble: NonNullable<WorkerState["trouble"]> = {
  failure: { code: "model_unavailable", message: "hub.example cannot be reached" },
  retryable: true,
  since: 1,
  tries: 4,
  retryInSeconds: 7,
};
const brokenAsr: Partial<WorkerState> = { worker: "a", family: "asr", model: "openai/whisper-tiny", trouble };
const brokenTts: Partial<WorkerState> = { worker: "t", operations: ["custom_voice"], model: "parlance-voice", trouble };
const sentence =
  "The model openai/whisper-tiny is not ready: hub.example cannot be reached (tried 4 times, next try in 7 s).";

const transcribe = (audio: string) =>
  gateway.json("/api/v1/transcribe/file", { method: "POST", body: audioForm("audio", audio) });

/** Requests are told within a second of what the workers say. */
async function untilRefused(call: () => ReturnType<TestGateway["json"]>) {
  return await eventually(async () => {
    const answer = await call();
    return answer.status === 503 ? answer : undefined;
  });
}

describe("while no worker of a family can load its model", () => {
  test("every request that would wait for it is told at once, with the loader's words and when to come again", async () => {
    await worker(brokenAsr);
    const refused = await untilRefused(() => transcribe("say:x"));
    expect(refused.body).toMatchObject({ error: { code: "model_not_ready", message: sentence } });
    expect(refused.headers.get("retry-after")).toBe("7");
    expect(refused.headers.get("x-should-retry")).toBe("true");
    const openai = await gateway.json("/v1/audio/transcriptions", { method: "POST", body: audioForm("file", "say:x") });
    expect(openai).toMatchObject({ status: 503, body: { error: { code: "model_not_ready" } } });
    const file = await gateway.upload("say:x");
    expect(await gateway.post("/api/v1/transcribe", { files: [{ file_id: file }] })).toMatchObject({ status: 503 });
    const page = await (await gateway.call("/metrics")).text();
    expect(page).toMatch(/parlance_model_not_ready_total\{.*family="asr".*\} [3-9]/);
  });

  test("speech is told the same, and transcription is not touched", async () => {
    await worker(brokenTts);
    await untilRefused(() => gateway.json("/readyz"));
    const refused = await gateway.post("/v1/audio/speech", { input: "Hello.", response_format: "wav" });
    expect(refused).toMatchObject({ status: 503, body: { error: { code: "model_not_ready" } } });
    expect((await transcribe("say:fine")).status).toBe(200);
    expect(await gateway.json("/readyz")).toMatchObject({ status: 503, body: { error: { code: "model_not_ready" } } });
  });

  test("trouble that nothing but a person can end is not to be tried again", async () => {
    await worker({ ...brokenAsr, trouble: { ...trouble, retryable: false } });
    const { headers } = await untilRefused(() => transcribe("say:x"));
    expect(headers.get("x-should-retry")).toBe("false");
    expect(headers.get("retry-after")).toBeNull();
  });

  test("a request that waits already is answered when it shows, and its batch is cancelled", async () => {
    const began = performance.now();
    const waiting = transcribe("wait");
    await eventually(async () => (rig.pipeline.seen.some(({ data }) => `${data}` === "wait") ? true : undefined));
    await worker(brokenAsr);
    expect(await waiting).toMatchObject({
      status: 503,
      body: { error: { code: "model_not_ready", message: sentence } },
    });
    expect(performance.now() - began).toBeLessThan(30_000);
    expect((await gateway.bus.bucket(batchEntries.cancelled).keys("*")).length).toBeGreaterThan(0);
  });

  test("the probes say so: /readyz is 503 and /health is degraded, in the mission's fields", async () => {
    await worker(brokenAsr);
    const refused = await untilRefused(() => gateway.json("/readyz"));
    expect(errorBodySchema.parse(refused.body).error).toMatchObject({ code: "model_not_ready", message: sentence });
    const health = await gateway.json("/health");
    expect(health.status).toBe(200);
    expect(healthSchema.parse(health.body)).toEqual({
      status: "degraded",
      model_loaded: false,
      model_id: "openai/whisper-tiny",
      cuda: false,
      reason: sentence,
    });
  });

  test("a batch is accepted, and its status says why its items wait", async () => {
    await worker(brokenAsr);
    const file = await gateway.upload("wait");
    const submitted = await gateway.post("/api/v1/queue/submit", {
      items: [{ operation: "transcribe", ref_audio: file, text: "" }],
    });
    expect(submitted.status).toBe(200);
    const { batch_id } = submitted.body as { batch_id: string };
    const status = await eventually(async () => {
      const found = batchStatusSchema.parse((await gateway.json(`/api/v1/queue/status/${batch_id}`)).body);
      return found.waiting_reason === sentence ? found : undefined;
    });
    expect(status).toMatchObject({ status: "queued", items: [{ status: "queued", error: null }] });
  });
});

test("one worker of two that can load its model is enough: nothing is told", async () => {
  await worker(brokenAsr);
  await worker({ worker: "b", family: "asr", model: "parlance-en" });
  for (let n = 0; n < 3; n += 1) {
    expect((await transcribe("say:x")).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 600));
  }
  expect((await gateway.json("/readyz")).status).toBe(200);
  expect((await gateway.json("/health")).body).toMatchObject({ status: "ok" });
});

describe("a model that is being downloaded", () => {
  const download = { model: "openai/whisper-small", totalBytes: 500_000_000, bytesPerSecond: 1_000_000 };

  test("is told with its progress, at once to a request that it would make wait for too long", async () => {
    await worker({ worker: "a", family: "asr", model: download.model, download: { ...download, bytes: 20_000_000 } });
    const refused = await untilRefused(() => transcribe("say:x"));
    const message = "The model openai/whisper-small is being downloaded: 20.0 of 500.0 MB, 1.0 MB/s.";
    expect(refused.body).toMatchObject({ error: { code: "model_not_ready", message } });
    expect(refused.headers.get("retry-after")).toBe("480");
    expect((await gateway.json("/readyz")).status).toBe(200);
  });

  test("is waited for when it is nearly here", async () => {
    await worker({ worker: "a", family: "asr", model: download.model, download: { ...download, bytes: 495_000_000 } });
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    for (let n = 0; n < 2; n += 1) expect((await transcribe("say:x")).status).toBe(200);
  });
});
