import { Writable } from "node:stream";
import { openBatchNotebook } from "@parlance/bus";
import { bucketStream, changeStream } from "@parlance/bus/testing";
import { batchEntries, buckets, healthSchema, type WorkerState } from "@parlance/contracts";
import { startTestServer } from "@parlance/nats/testing";
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import { audioForm, eventually, startRig, startTestGateway } from "./testing/test-gateway.ts";

const submissionOf = (file: string) => ({ items: [{ operation: "transcribe", ref_audio: file, text: "" }] });

describe("a full queue", () => {
  test("beyond MAX_QUEUED_JOBS submissions are 429 with Retry-After, until it drains", async () => {
    const rig = await startRig();
    const { bus } = rig.pipeline;
    const gateway = await startTestGateway(rig.server, { MAX_QUEUED_JOBS: "3" });
    const submission = submissionOf(await gateway.upload("say:x"));
    for (let n = 0; n < 2; n += 1) await bus.publishOnce(`speech.job.transcribe.batch.b.i.${n}`, "audio");
    await bus.publishOnce("speech.job.custom_voice.interactive.b.i.2", "text");
    const refused = await gateway.post("/api/v1/queue/submit", submission);
    expect(refused).toMatchObject({ status: 429, body: { error: { code: "queue_full" } } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused.headers.get("x-should-retry")).toBe("true");
    const waiting = await gateway.json("/api/v1/transcribe/file", {
      method: "POST",
      body: audioForm("audio", "say:x"),
    });
    expect(waiting.status).toBe(429);
    expect(rig.pipeline.seen).toHaveLength(0);

    await bus.pull({ stream: "JOBS", durable: "transcribe-batch", max: 3, waitMs: 1_000 });
    await eventually(async () => {
      const { status } = await gateway.post("/api/v1/queue/submit", submission);
      return status === 200 ? true : undefined;
    });
    await gateway.close();
    await rig.close();
  });

  test("when INTAKE refuses, the submission is 429 and leaves no batch behind that waits for ever", async () => {
    const server = await startTestServer({ settings: { INTAKE_MAX_BYTES: 1_048_576 } });
    const gateway = await startTestGateway(server);
    const [item] = submissionOf(await gateway.upload("say:x")).items;
    const big = audioForm("audio", new Uint8Array(980_000));
    const first = gateway.call("/api/v1/transcribe/file", {
      method: "POST",
      body: big,
      signal: AbortSignal.timeout(1_000),
    });
    await expect(first).rejects.toThrow();
    const refused = await gateway.json("/api/v1/transcribe/file", {
      method: "POST",
      body: audioForm("audio", new Uint8Array(900_000)),
    });
    expect(refused).toMatchObject({ status: 429, body: { error: { code: "queue_full" } } });
    const items = Array.from({ length: 500 }, (_, index) => ({ ...item, custom_id: `c${index}` }));
    expect((await gateway.post("/api/v1/queue/submit", { items })).status).toBe(429);
    // The first one is stored, and waits for ingest: it is known by its message, and nothing is written down.
    const stored = await gateway.bus.countSubjects("INTAKE", "speech.intake.*.*");
    const known = [...stored.keys()].map((subject) => openBatchNotebook(gateway.bus).has(subject.split(".")[3] ?? ""));
    expect(await Promise.all(known)).toEqual([true]);
    expect(await gateway.bus.bucket(batchEntries.record).keys("*")).toEqual([]);
    await gateway.close();
    await server.stop();
  });
});

describe("no room for more results", () => {
  test("is told to submissions and by /readyz, until there is room", async () => {
    const server = await startTestServer({ settings: { RESULTS_MAX_BYTES: 1_048_576 } });
    const gateway = await startTestGateway(server);
    const submission = submissionOf(await gateway.upload("say:x"));
    await gateway.bus.publishOnce("speech.result.b.0.0", new Uint8Array(980_000));
    const sentence = { error: { code: "queue_full", message: expect.stringContaining("no room for more results") } };
    await eventually(async () => ((await gateway.json("/readyz")).status === 429 ? true : undefined));
    expect((await gateway.json("/readyz")).body).toMatchObject(sentence);
    expect(await gateway.post("/api/v1/queue/submit", submission)).toMatchObject({ status: 429, body: sentence });
    await gateway.bus.deleteMessage("RESULTS", 1);
    await eventually(async () => ((await gateway.json("/readyz")).status === 200 ? true : undefined));
    await gateway.close();
    await server.stop();
  });
});

describe("while NATS is away", () => {
  test("submissions are 503 with Retry-After, probes say so, and all is well when it is back", async () => {
    const rig = await startRig();
    const gateway = await startTestGateway(rig.server);
    const submission = submissionOf(await gateway.upload("say:x"));
    expect((await gateway.json("/readyz")).status).toBe(200);
    await rig.server.kill();
    await eventually(async () => (gateway.bus.connected ? undefined : true));
    const began = performance.now();
    const away = await gateway.post("/api/v1/queue/submit", submission);
    expect(away).toMatchObject({ status: 503, body: { error: { code: "bus_unavailable" } } });
    expect(Number(away.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(performance.now() - began).toBeLessThan(12_000);
    expect((await gateway.json("/livez")).status).toBe(200);
    expect((await gateway.json("/health")).status).toBe(503);
    await eventually(async () => ((await gateway.json("/readyz")).status === 503 ? true : undefined));
    await rig.server.restart();
    await eventually(async () => ((await gateway.json("/readyz")).status === 200 ? true : undefined));
    const back = await gateway.json("/api/v1/transcribe/file", {
      method: "POST",
      body: audioForm("audio", "say:back"),
    });
    expect(back.body).toMatchObject({ text: "back" });
    await gateway.close();
    await rig.close();
  });

  test("a store that was wiped makes readiness red", async () => {
    const server = await startTestServer({ topology: false });
    const gateway = await startTestGateway(server);
    expect((await gateway.json("/readyz")).status).toBe(503);
    expect((await gateway.json("/livez")).status).toBe(200);
    await gateway.close();
    await server.stop();
  });
});

describe("while nothing can be stored", () => {
  const sentence = "JetStream's disk is full: nothing is stored until it has space again.";

  test("submissions are 507 at once with the reason, /readyz says it, and what is there can be read", async () => {
    const rig = await startRig();
    const gateway = await startTestGateway(rig.server);
    const submission = submissionOf(await gateway.upload("say:x"));
    const before = await gateway.json("/api/v1/transcribe/file", { method: "POST", body: audioForm("audio", "say:x") });
    expect(before.status).toBe(200);
    gateway.tellStoreProblem(sentence);
    for (const path of ["/api/v1/queue/submit", "/v1/audio/speech", "/api/v1/files/upload"]) {
      const refused = await gateway.post(path, submission);
      expect(refused, path).toMatchObject({
        status: 507,
        body: { error: { code: "storage_full", message: sentence } },
      });
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(await gateway.json("/readyz")).toMatchObject({ status: 503, body: { error: { message: sentence } } });
    expect((await gateway.json("/api/v1/gpu")).status).toBe(200);
    gateway.tellStoreProblem(undefined);
    expect((await gateway.json("/readyz")).status).toBe(200);
    expect((await gateway.post("/api/v1/queue/submit", submission)).status).toBe(200);
    await gateway.close();
    await rig.close();
  });

  test("where nobody tells, a write that came to nothing makes readiness red until one is stored, and names no subject", async () => {
    const server = await startTestServer();
    const gateway = await startTestGateway(server);
    const { items } = submissionOf(await gateway.upload("say:x"));
    // Of two items, which have a record.
    const submission = { items: [...items, ...items] };
    // Without its subject a stream answers questions and stores nothing, as one does that froze on a full disk.
    const topology = { connection: await server.connect() };
    const before = await changeStream(topology, bucketStream(buckets.batches), { subjects: ["elsewhere"] });
    const refused = await gateway.post("/api/v1/queue/submit", submission);
    expect(refused).toMatchObject({ status: 503, body: { error: { code: "bus_unavailable" } } });
    expect(JSON.stringify(refused.body)).not.toContain("$KV");
    expect(await gateway.json("/readyz")).toMatchObject({
      status: 503,
      body: { error: { message: "NATS stores nothing: is its disk full?" } },
    });
    await changeStream(topology, bucketStream(buckets.batches), before);
    await eventually(async () => ((await gateway.json("/readyz")).status === 200 ? true : undefined));
    await gateway.close();
    await server.stop();
  });
});

describe("when the gateway closes", () => {
  test("who waits for a transcript is answered 503 at once, and the batch is cancelled", async () => {
    const rig = await startRig();
    const gateway = await startTestGateway(rig.server);
    const waiting = gateway.json("/api/v1/transcribe/file", { method: "POST", body: audioForm("audio", "wait") });
    await eventually(async () => rig.pipeline.seen[0]);
    const began = performance.now();
    const closing = gateway.close();
    const answer = await waiting;
    expect(answer).toMatchObject({ status: 503, body: { error: { code: "stopping" } } });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answer.headers.get("x-should-retry")).toBe("true");
    await closing;
    const batchId = rig.pipeline.seen[0]?.subject.split(".")[3] ?? "";
    const done = await eventually(() => rig.pipeline.bus.last("RESULTS", `speech.done.${batchId}.0`));
    expect(JSON.parse(Buffer.from(done.data).toString())).toMatchObject({ error: { code: "cancelled" } });
    expect(performance.now() - began).toBeLessThan(20_000);
    await rig.close();
  });
});

describe("/health", () => {
  test("tells what the workers have loaded, and asks them at most once a second", async () => {
    const server = await startTestServer();
    const gateway = await startTestGateway(server, { MODEL_ID: "wanted-model" });
    expect((await gateway.json("/health")).body).toEqual({
      status: "degraded",
      model_loaded: false,
      model_id: "wanted-model",
      cuda: false,
    });
    const state: WorkerState = {
      worker: "w",
      family: "asr",
      model: "parlance-en",
      loaded: true,
      device: "cuda:0",
      computeType: "float16",
      cuda: true,
      passes: 1,
      segments: 1,
    };
    const stopping = new AbortController();
    let asked = 0;
    gateway.bus.serve(
      "speech.workers",
      undefined,
      async (request) => {
        asked += 1;
        request.respond(JSON.stringify(state));
      },
      stopping.signal,
    );
    await gateway.bus.flush();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.json("/health")));
    for (const { body } of answers) {
      expect(healthSchema.parse(body)).toEqual({
        status: "ok",
        model_loaded: true,
        model_id: "parlance-en",
        cuda: true,
      });
    }
    expect(asked).toBe(1);
    stopping.abort();
    await gateway.close();
    await server.stop();
  });
});

test("logs tell each request once, with its id, and never a key or a line of the caller's making", async () => {
  const server = await startTestServer();
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, next) {
      text += chunk;
      next();
    },
  });
  const gateway = await startTestGateway(server, { API_KEYS: "very-secret" }, { log: pino({ level: "trace" }, sink) });
  const headers = { "x-api-key": "very-secret", "x-request-id": "mine-1" };
  const answer = await gateway.json("/api/v1/files/nobody?api_key=very-secret", { headers });
  expect(answer.headers.get("x-request-id")).toBe("mine-1");
  await gateway.json("/api/v1/files/%0a%7B%22level%22%3A60%7D", { headers: { authorization: "Bearer very-secret" } });
  await gateway.json("/nothing", { headers: { "x-request-id": 'x"}{"forged":1' } });
  await eventually(async () =>
    text.split("\n").filter((line) => line.includes('"request"')).length >= 3 ? true : undefined,
  );
  expect(text).not.toContain("very-secret");
  const lines = text.trim().split("\n");
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  expect(lines.filter((line) => line.includes("mine-1"))).toHaveLength(1);
  expect(text).not.toContain("forged");
  await gateway.close();
  await server.stop();
});
