/** Ingest as a process that is killed in the middle of its work, again and again. */
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { encodeWav, expandSeconds, limitOf } from "@parlance/audio";
import { fixture, inChunks } from "@parlance/audio/testing";
import { type Bus, connectBus, openBatchNotebook } from "@parlance/bus";
import { setAckWait } from "@parlance/bus/testing";
import {
  buckets,
  durables,
  GATEWAY_SOURCE,
  jobHeadersSchema,
  parseJobSubject,
  readHeaders,
  streams,
  subjects,
} from "@parlance/contracts";
import { someOf } from "@parlance/contracts/testing";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

const intake = { stream: streams.intake, durable: durables.ingest };
let server: TestServer;
let bus: Bus;
let ingest: ChildProcess | undefined;

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  bus = await connectBus({ name: "test", ...server.as() });
  // What a dead process held comes again after a second.
  await setAckWait(bus, intake, 1_000);
});
afterEach(async () => {
  await kill();
  // Nobody works here: behind what a test leaves, the next one's first segment would not be short.
  await bus.purgeSubject(streams.jobs, "speech.job.>");
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

async function start(settings: Record<string, string> = {}): Promise<ChildProcess> {
  const { url, user = "", password = "" } = server.as("ingest");
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const login = { NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password };
  const child = fork(fileURLToPath(new URL("./main.ts", import.meta.url)), {
    env: { PATH, NODE_COMPILE_CACHE, ...login, LOG_LEVEL: "fatal", ...settings },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  ingest = child;
  await once(child, "message");
  return child;
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
    await bus.publishOnce(subjects.intake(GATEWAY_SOURCE, batchId), payload, {
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

  // Whatever died, each is known, and what is one segment by its job alone.
  const notebook = openBatchNotebook(bus);
  for (const [key, { jobs }] of expected) {
    const [batchId = "", itemId = ""] = key.split(".");
    const found = await notebook.find(batchId);
    expect(
      found?.record.items.some((each) => each.itemId === itemId),
      key,
    ).toBe(true);
    if (itemId === "0") expect({ key, kept: found?.kept }).toEqual({ key, kept: !jobs });
  }
}, 180_000);

/** A batch of one long file, of which at least `some` segments are published. */
async function begin(audio: Uint8Array, lane: string, some = 3, parts = false): Promise<string> {
  const batchId = randomUUID();
  const payload = JSON.stringify({ lane, items: [{ itemId: "0", file: await store(audio), parts }] });
  await bus.publishOnce(subjects.intake(GATEWAY_SOURCE, batchId), payload, {
    headers: [["Content-Type", "application/json"]],
  });
  await published(batchId, some);
  return batchId;
}

async function published(batchId: string, some: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ((await bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).size < some && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

/** The item's segments joined are its audio, no sample missing or doubled, and the last one alone says that it is. */
async function expectWhole(batchId: string, audio: Uint8Array): Promise<number[]> {
  const parts: Buffer[] = [];
  const lengths: number[] = [];
  const last: boolean[] = [];
  for await (const message of bus.read({ stream: streams.jobs, subject: subjects.batchJobs(batchId) })) {
    const headers = readHeaders(jobHeadersSchema, message.headers);
    const n = parseJobSubject(message.subject)?.n ?? -1;
    const length = headers.samples ?? message.data.length / 2;
    parts[n] = Buffer.from(message.data.subarray(0, length * 2));
    lengths[n] = length;
    last[n] = headers.last;
  }
  expect(last).toEqual(last.map((_, n) => n === last.length - 1));
  const failures = await bus.countSubjects(streams.results, `speech.result.${batchId}.>`);
  expect([...failures.keys()]).toEqual([]);
  expect(Buffer.compare(Buffer.concat(parts), Buffer.from(audio.subarray(44)))).toBe(0);
  return lengths;
}

async function untilSettled(): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await settled()) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await settled()).toBe(true);
}

test.each(
  someOf(
    [
      ["25", "7", "batch"],
      ["7", "25", "batch"],
      ["4", "25", "interactive"],
    ] as const,
    2,
  ),
)(
  "an item that was begun at SEGMENT_SECONDS=%s and is gone on with at %s is whole (%s)",
  async (before, after, lane) => {
    const audio = sound(600);
    await start({ SEGMENT_SECONDS: before });
    const batchId = await begin(audio, lane);
    await kill();
    const there = (await bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).size;
    await start({ SEGMENT_SECONDS: after });
    await untilSettled();
    const lengths = await expectWhole(batchId, audio);
    expect(lengths.length).toBeGreaterThan(there);
    // It goes on as it was begun.
    const longest = Math.max(...lengths.slice(0, -1)) / 16_000;
    expect(Math.abs(longest - Number(before))).toBeLessThanOrEqual(5);
  },
  180_000,
);

const begunAndGoneOnWith: [before: Record<string, string>, after: Record<string, string>, some: number][] = [
  [{ SEGMENT_SECONDS: "25", FIRST_SEGMENT_SECONDS: "4" }, { SEGMENT_SECONDS: "7", FIRST_SEGMENT_SECONDS: "2" }, 2],
  [{ SEGMENT_SECONDS: "25", FIRST_SEGMENT_SECONDS: "4" }, { SEGMENT_SECONDS: "25", FIRST_SEGMENT_SECONDS: "10" }, 1],
  [{ SEGMENT_SECONDS: "12", FIRST_SEGMENT_SECONDS: "3" }, { SEGMENT_SECONDS: "20", FIRST_SEGMENT_SECONDS: "5" }, 4],
];
test.each(someOf(begunAndGoneOnWith, 3))(
  "an item whose text is read as it comes, begun with %j and gone on with %j, grows as it was begun",
  async (before, after, some) => {
    const audio = sound(300);
    await start(before);
    const batchId = await begin(audio, "interactive", some, true);
    await kill();
    await start(after);
    await untilSettled();
    const lengths = await expectWhole(batchId, audio);
    const limits = {
      segmentSeconds: Number(before.SEGMENT_SECONDS),
      firstSegmentSeconds: Number(before.FIRST_SEGMENT_SECONDS),
    };
    for (const [n, length] of lengths.slice(0, -1).entries()) {
      const limit = limitOf(limits, n);
      expect(Math.abs(length / 16_000 - limit)).toBeLessThanOrEqual(expandSeconds(limit));
    }
  },
  180_000,
);

test.each(someOf([true, false], 2))(
  "an ingest that was stopped for a while, and another one that cuts otherwise, make one whole item of it (parts: %s)",
  async (parts) => {
    const audio = sound(900);
    const first = await start({ SEGMENT_SECONDS: "25" });
    const batchId = await begin(audio, "batch", 3, parts);
    first.kill("SIGSTOP");
    const there = (await bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).size;
    await start({ SEGMENT_SECONDS: "7" });
    await published(batchId, there + 3);
    first.kill("SIGCONT");
    await untilSettled();
    await kill();
    ingest = first;
    await expectWhole(batchId, audio);
  },
  180_000,
);

test("an item whose first segments are done and gone, killed before its end, goes on behind them", async () => {
  const audio = sound(600);
  await start({ SEGMENT_SECONDS: "25" });
  const batchId = await begin(audio, "batch", 4);
  await kill();
  const jobs = [...(await bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).keys()];
  const kept: Buffer[] = [];
  let start0 = 0;
  for (const [n] of jobs.entries()) {
    const job = await bus.last(streams.jobs, subjects.job("transcribe", "batch", batchId, "0", n));
    const samples = (job?.data.length ?? 0) / 2;
    kept[n] = Buffer.from(job?.data ?? "");
    const result = {
      outcome: "ok",
      last: false,
      submittedAt: 1,
      finishedAt: 1,
      text: "",
      language: "",
      start: start0 / 16_000,
      duration: samples / 16_000,
      score: null,
      model: "m",
      passSize: 1,
    };
    start0 += samples;
    await bus.publishOnce(subjects.result(batchId, "0", n), JSON.stringify(result), { first: true });
  }
  await bus.purgeBelow(streams.jobs, (await bus.streamState(streams.jobs)).lastSeq + 1);
  await start({ SEGMENT_SECONDS: "7" });
  await untilSettled();
  const parts = [...kept];
  for await (const message of bus.read({ stream: streams.jobs, subject: subjects.batchJobs(batchId) })) {
    const n = parseJobSubject(message.subject)?.n ?? -1;
    expect(n).toBeGreaterThanOrEqual(kept.length);
    const { samples = message.data.length / 2 } = readHeaders(jobHeadersSchema, message.headers);
    parts[n] = Buffer.from(message.data.subarray(0, samples * 2));
  }
  expect(Buffer.compare(Buffer.concat(parts), Buffer.from(audio.subarray(44)))).toBe(0);
}, 180_000);

test("asked to end in the middle of a long file, it gives the message back at once and exits 0", async () => {
  await setAckWait(bus, intake, 60_000);
  const batchId = randomUUID();
  const file = await store(sound(900));
  const payload = JSON.stringify({ items: Array.from({ length: 6 }, (_, n) => ({ itemId: `i${n}`, file })) });
  await start();
  await bus.publishOnce(subjects.intake(GATEWAY_SOURCE, batchId), payload, {
    headers: [["Content-Type", "application/json"]],
  });
  while ((await bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).size === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const child = ingest;
  await kill("SIGTERM");
  expect(child?.exitCode).toBe(0);
  const [again] = await bus.pull({ stream: streams.intake, durable: durables.ingest, max: 1, waitMs: 5_000 });
  expect(again).toMatchObject({ subject: subjects.intake(GATEWAY_SOURCE, batchId), deliveries: 2 });
  await again?.ack();
});
