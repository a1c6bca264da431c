/** Ingest as a process that is killed in the middle of its work, again and again. */
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { encodeWav } from "@parlance/audio";
import { fixture, inChunks } from "@parlance/audio/testing";
import { type Bus, connectBus } from "@parlance/bus";
import {
  buckets,
  durables,
  jobHeadersSchema,
  parseJobSubject,
  readHeaders,
  streams,
  subjects,
} from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

let server: TestServer;
let bus: Bus;
let ingest: ChildProcess | undefined;

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  bus = await connectBus({ name: "test", ...server.as() });
  await redeliverAfter(1_000);
});
afterEach(async () => {
  await kill();
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

/** What a dead process held comes again after this, instead of after 30 s. */
async function redeliverAfter(milliseconds: number): Promise<void> {
  const connection = await server.connect("topology");
  const info = (await connection.request(`$JS.API.CONSUMER.INFO.${streams.intake}.${durables.ingest}`)).json<{
    config: { ack_wait: number };
  }>();
  const config = { ...info.config, ack_wait: milliseconds * 1_000_000 };
  const reply = await connection.request(
    `$JS.API.CONSUMER.DURABLE.CREATE.${streams.intake}.${durables.ingest}`,
    JSON.stringify({ stream_name: streams.intake, config }),
  );
  expect(reply.json<{ error?: unknown }>().error).toBeUndefined();
}

async function start(): Promise<void> {
  const { url, user = "", password = "" } = server.as("ingest");
  ingest = fork(fileURLToPath(new URL("./main.ts", import.meta.url)), {
    env: { PATH: process.env.PATH, NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password, LOG_LEVEL: "fatal" },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await once(ingest, "message");
}

async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  const child = ingest;
  ingest = undefined;
  if (child === undefined || child.exitCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

const sound = (seconds: number) =>
  encodeWav(
    Int16Array.from({ length: seconds * 16_000 }, (_, at) => 9_000 * Math.sin(at / 9) * Math.sin(at / 20_000)),
    {
      sampleRate: 16_000,
    },
  );

async function store(bytes: Uint8Array): Promise<string> {
  const id = randomUUID();
  const files = await bus.files(buckets.files);
  await files.put({ id, contentType: "audio/wav", filename: "x", maxBytes: 1e8 }, inChunks(bytes));
  return id;
}

async function settled(): Promise<boolean> {
  const { pending, ackPending } = await bus.consumerState(streams.intake, durables.ingest);
  return pending === 0 && ackPending === 0;
}

test("killed at any moment: every item's jobs and failures are there once, and nothing else", async () => {
  const long = await store(sound(100));
  const mp3 = await store(fixture("voice.mp3"));
  const zip = await store(Buffer.from("PK\x03\x04"));
  const expected = new Map<string, { jobs: boolean }>();
  for (const lane of ["batch", "interactive"]) {
    const batchId = randomUUID();
    const items = Array.from({ length: 12 }, (_, index) => ({
      itemId: `i${index}`,
      file: [long, mp3, zip][index % 3],
    }));
    for (const { itemId, file } of items) expected.set(`${batchId}.${itemId}`, { jobs: file !== zip });
    const payload = JSON.stringify({ lane, items });
    await bus.publishOnce(subjects.intake("lab", batchId), payload, {
      headers: [["Content-Type", "application/json"]],
    });
  }
  for (let index = 0; index < 20; index += 1) {
    const batchId = randomUUID();
    expected.set(`${batchId}.0`, { jobs: index % 4 !== 0 });
    await bus.publishOnce(subjects.intake("lab", batchId), index % 4 === 0 ? Buffer.from("not a sound") : sound(2));
  }

  let kills = 0;
  for (const after of [5, 60, 120, 30, 250, 15]) {
    await start();
    await new Promise((resolve) => setTimeout(resolve, after));
    await kill();
    kills += 1;
  }
  await start();
  const deadline = Date.now() + 120_000;
  while (!(await settled()) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await settled()).toBe(true);
  expect(kills).toBe(6);

  const segments = new Map<string, { n: number; last: boolean; start: number; length: number }[]>();
  for await (const message of bus.read({ stream: streams.jobs, subject: "speech.job.>" })) {
    const { batchId = "", itemId = "", n = -1 } = parseJobSubject(message.subject) ?? {};
    const { last, start, samples } = readHeaders(jobHeadersSchema, message.headers);
    const length = samples ?? message.data.length / 2;
    const key = `${batchId}.${itemId}`;
    segments.set(key, [...(segments.get(key) ?? []), { n, last, start, length }]);
  }
  const failures = await bus.countSubjects(streams.results, "speech.result.>");
  expect([...failures.values()].every((count) => count === 1)).toBe(true);

  for (const [key, { jobs }] of expected) {
    const found = segments.get(key) ?? [];
    const failed = [...failures.keys()].filter((subject) => subject.startsWith(`speech.result.${key}.`)).length;
    expect({ key, jobs: found.length > 0, failed }).toEqual({ key, jobs, failed: jobs ? 0 : 1 });
    // Each segment once, one after the other, without a gap, and one of them the last.
    let end = 0;
    for (const [index, segment] of found.sort((a, b) => a.n - b.n).entries()) {
      expect(segment).toMatchObject({ n: index, start: end, last: index === found.length - 1 });
      end += segment.length;
    }
  }
  expect(segments.size + failures.size).toBe(expected.size);
}, 180_000);

test("asked to end in the middle of a long file, it gives the message back at once and exits 0", async () => {
  await redeliverAfter(60_000);
  const batchId = randomUUID();
  const file = await store(sound(900));
  const payload = JSON.stringify({ items: Array.from({ length: 6 }, (_, n) => ({ itemId: `i${n}`, file })) });
  await start();
  await bus.publishOnce(subjects.intake("lab", batchId), payload, { headers: [["Content-Type", "application/json"]] });
  while ((await bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).size === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const child = ingest;
  await kill("SIGTERM");
  expect(child?.exitCode).toBe(0);
  const [again] = await bus.pull({ stream: streams.intake, durable: durables.ingest, max: 1, waitMs: 5_000 });
  expect(again).toMatchObject({ subject: subjects.intake("lab", batchId), deliveries: 2 });
  await again?.ack();
});
