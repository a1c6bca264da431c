import { connectBus } from "@parlance/bus";
import {
  gpuStatusSchema,
  type LeaseValue,
  leaseEntries,
  subjects,
  type Wanted,
  type WorkerState,
} from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { eventually, startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { foldGpuStatus } from "./gpu-endpoints.ts";

const swap = { at: 2_000, seconds: 1, startSeconds: 0.2, checkSeconds: 0.1, loadSeconds: 0.5, warmUpSeconds: 0.2 };
const asr: WorkerState = {
  worker: "a",
  family: "asr",
  model: "parlance-en",
  loaded: true,
  device: "cuda:0",
  accelerator: "GPU-a",
  host: "h",
  computeType: "float16",
  cuda: true,
  passes: 1,
  segments: 1,
  swaps: {
    count: 30,
    recent: [
      { ...swap, until: 3_500 },
      { ...swap, at: 9_000 },
    ],
  },
};
const tts: WorkerState = {
  ...asr,
  worker: "t",
  family: "tts",
  model: "parlance-voice",
  loaded: false,
  swaps: { count: 29, recent: [{ ...swap, at: 5_000 }] },
};
const lease: LeaseValue = { holder: "a", family: "asr", model: "parlance-en", since: 1_000, host: "h", pid: 1 };
const wanted: Wanted = { holder: "t", lane: "interactive", since: 3_000 };

describe("what is told of a device", () => {
  test("is who holds it, who waits, and the swaps of both families in order", () => {
    const { devices } = foldGpuStatus(new Map([["GPU-a", lease]]), new Map([["GPU-a.tts", wanted]]), [asr, tts]);
    expect(devices).toHaveLength(1);
    expect(devices[0]).toMatchObject({
      device: "cuda:0",
      holder: { worker: "a", family: "asr", model: "parlance-en", since: "1970-01-01T00:00:01.000Z", loaded: true },
      waiting: [{ family: "tts", worker: "t", lane: "interactive", since: "1970-01-01T00:00:03.000Z" }],
      swaps: { count: 59 },
    });
    expect(devices[0]?.swaps.recent.map(({ family }) => family)).toEqual(["asr", "tts", "asr"]);
    expect(devices[0]?.swaps.recent.map(({ until }) => until)).toEqual(["1970-01-01T00:00:03.500Z", null, null]);
  });

  test("is that it is free when nobody holds it, and nothing of another device", () => {
    const { devices } = foldGpuStatus(new Map([["GPU-a", lease]]), new Map(), [
      { ...asr, device: "cuda:1", accelerator: "GPU-b" },
    ]);
    expect(devices.map(({ device, holder }) => [device, holder?.loaded])).toEqual([
      ["cuda:1", undefined],
      ["GPU-a", false],
    ]);
  });

  test("is told of each of a name on two hosts, and once of one that two know by their own names", () => {
    const { devices } = foldGpuStatus(new Map([["GPU-a", lease]]), new Map(), [
      { ...tts, device: "cuda:1" },
      asr,
      { ...asr, worker: "o", host: "other", accelerator: "GPU-b" },
      { ...asr, worker: "c", host: "h", device: "cpu", accelerator: "cpu-h" },
    ]);
    expect(devices.map(({ hosts, device, accelerator }) => [hosts, device, accelerator])).toEqual([
      [["h"], "cpu", "cpu-h"],
      [["h"], "cuda:1", "GPU-a"],
      [["other"], "cuda:0", "GPU-b"],
    ]);
  });
});

describe("GET /api/v1/gpu", () => {
  let server: TestServer;
  let gateway: TestGateway;
  beforeAll(async () => {
    server = await startTestServer({ secured: true });
    gateway = await startTestGateway(server);
  });
  afterAll(async () => {
    await gateway.close();
    await server.stop();
  });

  const ask = async () => gpuStatusSchema.parse((await gateway.json("/api/v1/gpu")).body);

  test("is empty while there is no worker", async () => {
    expect(await ask()).toEqual({ devices: [] });
  });

  test("leaves out what a worker that is gone left behind", async () => {
    const worker = await connectBus({ name: "transcribe-worker", ...server.as("transcribe-worker") });
    const [holders, waiters] = [worker.bucket(leaseEntries.holder), worker.bucket(leaseEntries.wanted)];
    await holders.put("cpu-x", { ...lease, ttlMs: 1 });
    await waiters.put("cpu-x.asr", { ...wanted, ttlMs: 1 });
    await eventually(async () => (await ask()).devices.length === 0 || undefined);
    await Promise.all([holders.delete("cpu-x"), waiters.delete("cpu-x.asr")]);
    await worker.close();
  });

  test("reads the lease with the gateway's own rights, and asks the workers", async () => {
    const worker = await connectBus({ name: "transcribe-worker", ...server.as("transcribe-worker") });
    const over = new AbortController();
    worker.serve(subjects.workers, undefined, async (request) => request.respond(JSON.stringify(asr)), over.signal);
    await worker.bucket(leaseEntries.holder).put("GPU-a", lease);
    await worker.bucket({ ...leaseEntries.wanted, schema: z.string() }).put("GPU-a.asr", "not what it should be");
    const [device] = await eventually(async () => {
      const { devices } = await ask();
      return devices[0]?.holder?.loaded ? devices : undefined;
    });
    expect(device).toMatchObject({
      device: "cuda:0",
      accelerator: "GPU-a",
      hosts: ["h"],
      holder: { worker: "a" },
      waiting: [],
      swaps: { count: 30 },
    });
    over.abort();
    await worker.close();
  });
});
