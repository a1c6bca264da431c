import { type Bus, connectBus } from "@parlance/bus";
import {
  type ModelList,
  type ModelRequest,
  type ModelState,
  modelChangeSchema,
  modelConfigSchema,
  modelConfigsSchema,
  modelRequestSchema,
  modelSubjects,
  modelsSchema,
  SpeechError,
  subjects,
  type WorkerState,
} from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

const state: ModelState = {
  worker: "w",
  workerPid: 1,
  enginePid: 2,
  family: "asr",
  model: "parlance-en",
  folder: "/models/parlance-en",
  phase: "loaded",
  device: "cpu",
  computeType: "int8",
  cuda: { available: false, version: null, deviceCount: 0 },
  batchSize: 16,
  threads: 2,
  idleTimeout: 120,
  loadSeconds: 1,
  warmUpSeconds: 0.5,
  totalSeconds: 2,
};
const cpuWorker: WorkerState = {
  worker: "w",
  family: "asr",
  model: "parlance-en",
  loaded: true,
  device: "cpu",
  computeType: "int8",
  cuda: false,
  passes: 0,
  segments: 0,
};
const list: ModelList = {
  worker: "w",
  selected: "openai/whisper-base",
  phase: "downloading",
  models: [
    { id: "parlance-en", folder: "/models/parlance-en", family: "asr", architecture: "ctc", bytes: 5, complete: true },
  ],
};

describe("managing models", () => {
  let server: TestServer;
  let gateway: TestGateway;
  let bus: Bus;
  let over: AbortController;
  let asked: string[];
  let answer: (request: ModelRequest) => ModelState;
  let worker: WorkerState;
  beforeAll(async () => {
    server = await startTestServer({ secured: true });
    gateway = await startTestGateway(server);
    bus = await connectBus({ name: "transcribe-worker", ...server.as("transcribe-worker") });
  });
  afterAll(async () => {
    await bus.close();
    await gateway.close();
    await server.stop();
  });
  beforeEach(async () => {
    over = new AbortController();
    asked = [];
    answer = () => state;
    worker = cpuWorker;
    bus.serve(subjects.workers, undefined, async (request) => request.respond(JSON.stringify(worker)), over.signal);
    for (const verb of ["load", "reload", "unload", "config"] as const) {
      const reply = async ({ data, respond }: { data: Uint8Array; respond(text: string): void }) => {
        const text = new TextDecoder().decode(data);
        asked.push(`${verb} ${text}`);
        respond(JSON.stringify(answer(text === "" ? {} : modelRequestSchema.parse(JSON.parse(text)))));
      };
      bus.serve(modelSubjects.verb("asr", verb), undefined, reply, over.signal);
    }
    const subject = modelSubjects.verb("asr", "list");
    bus.serve(subject, undefined, async (request) => request.respond(JSON.stringify(list)), over.signal);
    await bus.flush();
  });
  afterEach(() => over.abort());

  const post = (path: string, body?: unknown) =>
    gateway.json(`/api/v1/models/${path}`, {
      method: "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });

  test("what is on the workers' disks is listed with what is still to come", async () => {
    const { body } = await gateway.json("/api/v1/models");
    expect(modelsSchema.parse(body).models).toEqual([
      {
        ...{ id: "parlance-en", family: "asr", architecture: "ctc", bytes: 5, complete: true },
        ...{ selected: false, state: "unloaded" },
      },
      {
        ...{ id: "openai/whisper-base", family: "asr", architecture: null, bytes: null, complete: false },
        ...{ selected: true, state: "downloading" },
      },
    ]);
  });

  test("the configuration is shown under the names of the loader that it replaces", async () => {
    const { body } = await gateway.json("/api/v1/models/config");
    expect(modelConfigsSchema.parse(body).workers[0]).toMatchObject({
      model_id: "parlance-en",
      device: "cpu",
      compute_type: "int8",
      cuda: { available: false, version: null, device_count: 0 },
      worker_pid: 1,
      load_seconds: 1,
      warm_up_seconds: 0.5,
      beam_size: null,
    });
  });

  test("loading answers with the configuration, or 202 while it is under way", async () => {
    const loaded = await post("asr/load");
    expect(loaded.status).toBe(200);
    expect(modelConfigSchema.parse(loaded.body)).toMatchObject({ state: "loaded", engine_pid: 2 });
    answer = () => ({
      ...state,
      phase: "downloading",
      download: { model: "m", bytes: 1, totalBytes: 2, bytesPerSecond: 3 },
    });
    const waiting = await post("asr/reload", { model: "openai/whisper-base" });
    expect(waiting.status).toBe(202);
    expect(waiting.body).toMatchObject({ state: "downloading", download: { model_id: "m", total_bytes: 2 } });
    answer = () => ({ ...state, phase: "unloaded" });
    expect((await post("asr/unload")).status).toBe(200);
    expect(asked).toEqual(["load {}", 'reload {"model":"openai/whisper-base"}', "unload {}"]);
  });

  test("of several accelerators each is loaded, or the one that is named: the answer is of what is furthest behind", async () => {
    const states = new Map(
      ["GPU-a", "GPU-b"].map((accelerator, n) => [accelerator, { device: `cuda:${n}`, accelerator }]),
    );
    const second = await connectBus({ name: "second", ...server.as("transcribe-worker") });
    const told = JSON.stringify({ ...cpuWorker, ...states.get("GPU-b") });
    second.serve(subjects.workers, undefined, async ({ respond }) => respond(told), over.signal);
    await second.flush();
    worker = { ...cpuWorker, ...states.get("GPU-a") };
    answer = ({ device = "" }) => ({
      ...state,
      ...states.get(device),
      phase: device === "GPU-b" ? "loading" : "loaded",
    });
    const each = await post("asr/load");
    expect(each.status).toBe(202);
    expect(modelChangeSchema.parse(each.body)).toMatchObject({
      ...{ state: "loading", device: "cuda:1", accelerator: "GPU-b" },
      others: [{ state: "loaded", device: "cuda:0", accelerator: "GPU-a" }],
    });
    const one = await post("asr/load", { device: "cuda:0" });
    expect(one.status).toBe(200);
    expect(one.body).toMatchObject({ accelerator: "GPU-a", others: [] });
    expect(asked.slice(2)).toEqual(['load {"device":"GPU-a"}']);
    const none = await post("asr/unload", { device: "cuda:7" });
    expect(none.status).toBe(422);
    expect(none.body).toMatchObject({ error: { param: "device" } });
    await second.close();
  });

  test("a worker's refusal is the answer's", async () => {
    answer = () => {
      throw new SpeechError("model_not_found", "no such", { param: "model" });
    };
    const { status, body } = await post("asr/load", { model: "x" });
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: { code: "model_not_found", message: "no such", param: "model" } });
  });

  test("what makes no sense is refused before a worker hears of it", async () => {
    expect((await post("video/load")).status).toBe(404);
    expect((await post("asr/load", { model: "" })).status).toBe(422);
    expect((await post("asr/unload", { model: "x" })).body).toMatchObject({ error: { param: "model" } });
    expect((await post("tts/load")).body).toMatchObject({ error: { code: "worker_unavailable" } });
    expect(asked).toEqual([]);
  });
});
