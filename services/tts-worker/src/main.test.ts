/** The service as a process, with the voice that ships with the repository and the NATS user that it runs as. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Bus, connectBus } from "@parlance/bus";
import { buckets, headerNames, segmentResultSchema, streams, subjects } from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

// A machine that is busy with other things speaks slowly.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let server: TestServer;
let bus: Bus;
let worker: { child: ChildProcess; log: string[]; exited: Promise<unknown[]> };

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  bus = await connectBus({ name: "test", ...server.as("topology") });
  worker = run({});
  await until(() => worker.log.some((line) => line.includes("tts-worker ready")));
});
afterAll(async () => {
  worker.child.kill("SIGKILL");
  await bus.close();
  await server.stop();
});

function run(settings: Record<string, string>) {
  const { url, user = "", password = "" } = server.as("tts-worker");
  const child = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      NATS_URL: url,
      NATS_USER: user,
      NATS_PASSWORD: password,
      TTS_DEVICE: "cpu",
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
  const deadline = Date.now() + 60_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(worker.log.join("\n"));
    await pause(20);
  }
}

async function result(batch: string, text: string | Uint8Array) {
  await bus.publishOnce(subjects.job("custom_voice", "interactive", batch, "0", 0), text, {
    headers: [
      [headerNames.submittedAt, String(Date.now())],
      [headerNames.last, "true"],
    ],
  });
  const subject = subjects.result(batch, "0", 0);
  await until(async () => (await bus.last(streams.results, subject)) !== undefined);
  const found = await bus.last(streams.results, subject);
  return segmentResultSchema.parse(JSON.parse(new TextDecoder().decode(found?.data)));
}

describe("a tts-worker", () => {
  test("says a text, and what it has loaded", async () => {
    const found = await result("b1", "Good morning, everybody.");
    if (found.outcome !== "spoken") throw new Error(JSON.stringify(found));
    expect(found).toMatchObject({ operation: "custom_voice", model: "parlance-voice", passSize: 1, truncated: false });
    expect(found.samples / found.sampleRate).toBeGreaterThan(0.5);
    expect((await (await bus.files(buckets.files)).info(found.audio))?.bytes).toBe(found.samples * 2);
    const loaded = worker.log.map((line) => JSON.parse(line)).find(({ msg }) => msg.startsWith("model loaded: "));
    expect(loaded).toMatchObject({ device: "cpu", name: "parlance-voice" });
    expect(loaded.loadSeconds).toBeGreaterThan(0);
  });

  test("answers bytes that are no text with a failed result", async () => {
    expect(await result("b2", Uint8Array.of(0xff, 0xfe))).toMatchObject({
      outcome: "failed",
      operation: "custom_voice",
      error: { code: "job_invalid" },
    });
  });

  test("never loads ONNX Runtime into its supervisor", () => {
    expect(readFileSync(`/proc/${worker.child.pid}/maps`, "utf8")).not.toContain("onnxruntime");
  });

  test("refuses a model that is not there, in one line", async () => {
    const refused = run({ TTS_MODEL_ID: "nobody" });
    const [code] = await refused.exited;
    expect(code).toBe(1);
    expect(refused.log.filter((line) => line.startsWith("tts-worker: "))).toHaveLength(1);
  });

  test("ends at once when it is asked to", async () => {
    const began = performance.now();
    worker.child.kill("SIGTERM");
    const [code] = await worker.exited;
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
