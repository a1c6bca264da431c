import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { encodeWav } from "@parlance/audio";
import { type Bus, connectBus, type FileStore } from "@parlance/bus";
import {
  type BatchRecord,
  batchKeys,
  buckets,
  itemDoneSchema,
  type SegmentResult,
  segmentFileId,
  streams,
  subjects,
} from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

const KILLS = 5;
const BATCHES = 4;
const ITEMS = 5;
const SEGMENTS = 3;
const RATE = 16_000;
const PAUSE_MS = 100;

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
let server: TestServer;
let bus: Bus;
let files: FileStore;
let child: ChildProcess | undefined;

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  bus = await connectBus({ name: "test", ...server.as() });
  files = await bus.files(buckets.files);
});
afterAll(async () => {
  child?.kill("SIGKILL");
  await bus.close();
  await server.stop();
});

async function startChild(): Promise<ChildProcess> {
  const { url, user = "", password = "" } = server.as("results");
  const started = spawn(process.execPath, [main], {
    env: { NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password, LOG_LEVEL: "info" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let told = "";
  started.stdout?.on("data", (chunk) => {
    told += chunk;
  });
  while (!told.includes("folding results")) await once(started.stdout ?? started, "data");
  return started;
}

/** Several parts of the store each, so that there is time to be killed while a file is read or written. */
const soundOf = (item: number, n: number) => new Int16Array(RATE * 10 + n).fill(100 * item + n + 1);

function wholeOf(item: number): Int16Array {
  const parts = Array.from({ length: SEGMENTS }, (_, n) => soundOf(item, n));
  const pause = (PAUSE_MS / 1_000) * RATE;
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length + pause, -pause));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length + pause;
  }
  return whole;
}

async function speak(batchId: string, item: number, n: number): Promise<void> {
  const sound = soundOf(item, n);
  const id = segmentFileId(batchId, String(item), n);
  await files.put(
    { id, contentType: "audio/pcm", filename: id, maxBytes: 1e9 },
    (async function* () {
      yield new Uint8Array(sound.buffer);
    })(),
  );
  const result: SegmentResult = {
    operation: "custom_voice",
    outcome: "spoken",
    last: n === SEGMENTS - 1,
    submittedAt: 1,
    startedAt: 2,
    finishedAt: 3,
    timestamps: false,
    audio: id,
    sampleRate: RATE,
    samples: sound.length,
    pauseMs: PAUSE_MS,
    format: "wav",
    truncated: false,
    model: "m",
    passSize: 1,
  };
  await bus.publishOnce(subjects.result(batchId, String(item), n), JSON.stringify(result), { first: true });
}

async function publishBatch(batch: number): Promise<void> {
  const batchId = `b${batch}`;
  const items = Array.from({ length: ITEMS }, (_, item) => item);
  const record: BatchRecord = {
    batchId,
    label: "",
    lane: "batch",
    acceptedAt: 1,
    items: items.map((item) => ({ itemId: String(item), operation: "custom_voice" })),
  };
  await (await bus.bucket(buckets.batches)).create(batchKeys.batch(batchId), JSON.stringify(record));
  for (const item of items) for (let n = 0; n < SEGMENTS; n += 1) await speak(batchId, item, n);
}

test(`killed ${KILLS} times while it joins and writes sound, it loses nothing, repeats nothing, and every file is whole`, {
  timeout: 180_000,
}, async () => {
  child = await startChild();
  const publishing = (async () => {
    for (let batch = 0; batch < BATCHES; batch += 1) await publishBatch(batch);
  })();
  for (let kill = 0; kill < KILLS; kill += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 400));
    child.kill("SIGKILL");
    await once(child, "exit");
    child = await startChild();
  }
  await publishing;

  const deadline = Date.now() + 120_000;
  const summaries = () => bus.countSubjects(streams.results, "speech.summary.*");
  while ((await summaries()).size < BATCHES && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const done = await bus.countSubjects(streams.results, "speech.done.>");
  expect([...(await summaries()).values()]).toEqual(Array.from({ length: BATCHES }, () => 1));
  expect([...done.values()]).toEqual(Array.from({ length: BATCHES * ITEMS }, () => 1));

  for await (const message of bus.read({ stream: streams.results, subject: "speech.done.>" })) {
    const { audio, itemId, status } = itemDoneSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
    expect(status).toBe("done");
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await files.read(audio?.file ?? ""))?.content ?? []) chunks.push(chunk);
    const expected = Buffer.from(encodeWav(wholeOf(Number(itemId)), { sampleRate: RATE }));
    expect(Buffer.concat(chunks).equals(expected), `the file of item ${itemId}`).toBe(true);
  }
});
