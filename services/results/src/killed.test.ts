import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Bus, connectBus } from "@parlance/bus";
import {
  type BatchRecord,
  batchKeys,
  buckets,
  itemDoneSchema,
  type SegmentResult,
  streams,
  subjects,
} from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

const KILLS = 8;
const BATCHES = 24;
const ITEMS = 12;

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
let server: TestServer;
let bus: Bus;
let child: ChildProcess | undefined;

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  bus = await connectBus({ name: "test", ...server.as() });
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

/** Item 0 is long, item 1 large, item 2 bad; the others are one segment. */
function segmentsOf(item: number): SegmentResult[] {
  const common = { operation: "transcribe" as const, submittedAt: 1, startedAt: 2, finishedAt: 3, timestamps: false };
  if (item === 2) {
    return [{ ...common, outcome: "failed", last: true, error: { code: "audio_corrupt", message: "no" } }];
  }
  const total = item === 0 ? 9 : 1;
  return Array.from({ length: total }, (_, n) => ({
    ...common,
    outcome: "ok",
    last: n === total - 1,
    text: item === 1 ? `large${item} `.repeat(6_000).trim() : `i${item}n${n}`,
    language: "English",
    words: [],
    start: n * 25,
    duration: 25,
    score: 0,
    truncated: false,
    model: "m",
    passSize: 1,
  }));
}

function textOf(item: number): string {
  return segmentsOf(item)
    .map((segment) => (segment.outcome === "ok" ? segment.text : ""))
    .join(" ");
}

async function publishBatch(batch: number): Promise<void> {
  const batchId = `b${batch}`;
  const items = Array.from({ length: ITEMS }, (_, item) => item);
  const record: BatchRecord = {
    batchId,
    label: "",
    lane: "batch",
    acceptedAt: 1,
    items: items.map((item) => ({ itemId: String(item), operation: "transcribe" })),
  };
  await (await bus.bucket(buckets.batches)).create(batchKeys.batch(batchId), JSON.stringify(record));
  for (const item of items) {
    for (const [n, segment] of segmentsOf(item).entries()) {
      await bus.publishOnce(subjects.result(batchId, String(item), n), JSON.stringify(segment), { first: true });
    }
  }
}

test(`killed ${KILLS} times between any two of its steps, it loses nothing and repeats nothing`, {
  timeout: 120_000,
}, async () => {
  child = await startChild();
  const publishing = (async () => {
    for (let batch = 0; batch < BATCHES; batch += 1) await publishBatch(batch);
  })();
  for (let kill = 0; kill < KILLS; kill += 1) {
    // Random within the time that a pull takes to be folded.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 120));
    child.kill("SIGKILL");
    await once(child, "exit");
    child = await startChild();
  }
  await publishing;

  const deadline = Date.now() + 60_000;
  const summaries = () => bus.countSubjects(streams.results, "speech.summary.*");
  while ((await summaries()).size < BATCHES && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const done = await bus.countSubjects(streams.results, "speech.done.>");
  expect([...(await summaries()).values()]).toEqual(Array.from({ length: BATCHES }, () => 1));
  expect([...done.values()]).toEqual(Array.from({ length: BATCHES * ITEMS }, () => 1));

  const files = await bus.files(buckets.files);
  for await (const message of bus.read({ stream: streams.results, subject: "speech.done.>" })) {
    const event = itemDoneSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
    const item = Number(event.itemId);
    if (item === 2) expect(event.error?.code).toBe("audio_corrupt");
    else if (event.file === undefined) expect(event.transcript?.text).toBe(textOf(item));
    else {
      const chunks: Uint8Array[] = [];
      for await (const chunk of (await files.read(event.file))?.content ?? []) chunks.push(chunk);
      expect(JSON.parse(Buffer.concat(chunks).toString()).text).toBe(textOf(item));
    }
  }
});
