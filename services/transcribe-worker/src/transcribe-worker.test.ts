/** The service itself, as a process, with the model that ships with the repository and the NATS user that it runs as. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Bus, connectBus } from "@parlance/bus";
import { headerNames, segmentResultSchema, streams, subjects, workerStateSchema } from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const samples = new URL("../../../models/parlance-en/samples/", import.meta.url);

let server: TestServer;
let bus: Bus;
let worker: { child: ChildProcess; log: string[]; exited: Promise<unknown[]> };

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  bus = await connectBus({ name: "test", ...server.as("topology") });
  worker = run({});
  await until(() => worker.log.some((line) => line.includes("transcribe-worker ready")));
});
afterAll(async () => {
  worker.child.kill("SIGKILL");
  await bus.close();
  await server.stop();
});

function run(settings: Record<string, string>) {
  const { url, user = "", password = "" } = server.as("transcribe-worker");
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      NATS_URL: url,
      NATS_USER: user,
      NATS_PASSWORD: password,
      ASR_DEVICE: "cpu",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => log.push(...text.trim().split("\n")));
  }
  return { child, log, exited: once(child, "exit") };
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(worker.log.join("\n"));
    await pause(20);
  }
}

/** 16 kHz mono PCM16 of a sample whose header is 44 bytes long. */
function pcm(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, samples)).subarray(44));
}

async function publish(batch: string, payload: Uint8Array, headers: [string, string][] = []): Promise<void> {
  await bus.publishOnce(subjects.job("transcribe", "interactive", batch, "0", 0), payload, {
    headers: [[headerNames.submittedAt, String(Date.now())], [headerNames.last, "true"], ...headers],
  });
}

async function result(batch: string) {
  const subject = subjects.result(batch, "0", 0);
  await until(async () => (await bus.last(streams.results, subject)) !== undefined);
  const found = await bus.last(streams.results, subject);
  return segmentResultSchema.parse(JSON.parse(new TextDecoder().decode(found?.data)));
}

describe("a transcribe-worker", () => {
  test("turns a segment into text with its times, and says what it has loaded", async () => {
    const sample = pcm("espeak-1.wav");
    await publish("b1", sample, [
      [headerNames.timestamps, "true"],
      [headerNames.start, "32000"],
    ]);
    const found = await result("b1");
    expect(found).toMatchObject({ outcome: "ok", language: "English", start: 2, last: true, passSize: 1 });
    if (found.outcome !== "ok") throw new Error("it failed");
    expect(found.duration).toBeCloseTo(sample.byteLength / 32_000);
    expect(found.text.length).toBeGreaterThan(5);
    expect(found.words.length).toBeGreaterThan(0);
    const loaded = worker.log.map((line) => JSON.parse(line)).find(({ msg }) => msg.startsWith("model loaded: "));
    expect(loaded).toMatchObject({ device: "cpu", name: "parlance-en" });
    expect(loaded.loadSeconds).toBeGreaterThan(0);
    expect(loaded.warmUpSeconds).toBeGreaterThan(0);
    const [answer] = await bus.requestMany(subjects.workers, "", 300);
    expect(workerStateSchema.parse(JSON.parse(new TextDecoder().decode(answer)))).toMatchObject({ loaded: true });
  });

  test("answers bytes that are no samples with a failed result", async () => {
    await publish("b2", new Uint8Array(3));
    expect(await result("b2")).toMatchObject({ outcome: "failed", error: { code: "job_invalid" } });
  });

  test("never loads ONNX Runtime into its supervisor", () => {
    expect(readFileSync(`/proc/${worker.child.pid}/maps`, "utf8")).not.toContain("onnxruntime");
  });

  test("refuses a model that is not there, in one line", async () => {
    const refused = run({ MODEL_ID: "nobody" });
    const [code] = await refused.exited;
    expect(code).toBe(1);
    expect(refused.log.filter((line) => line.startsWith("transcribe-worker: "))).toHaveLength(1);
  });

  test("ends at once when it is asked to, and leaves no engine behind", async () => {
    const began = performance.now();
    worker.child.kill("SIGTERM");
    const [code] = await worker.exited;
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
