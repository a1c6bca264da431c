/** Items whose text is read as it comes: their segments leave while the audio is still being read. */
import { randomUUID } from "node:crypto";
import { encodeWav, expandSeconds, limitOf, toPcm16 } from "@parlance/audio";
import { encodeAudio } from "@parlance/audio/encode";
import { inChunks, voice } from "@parlance/audio/testing";
import type { Bus, StoredMessage } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  buckets,
  GATEWAY_SOURCE,
  headerNames,
  itemDoneSchema,
  jobHeadersSchema,
  parseJobSubject,
  readHeaders,
  readSettings,
  SAMPLE_RATE,
  type SegmentResult,
  type SpeechFormat,
  segmentResultSchema,
  streams,
  subjects,
} from "@parlance/contracts";
import { someOf } from "@parlance/contracts/testing";
import { createResults, resultsSettings } from "@parlance/results";
import { createLog } from "@parlance/telemetry";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createIngest, type Ingest, ingestSettings } from "./ingest.ts";

// A machine that is busy with other things decodes slowly.
vi.setConfig({ testTimeout: 120_000 });

const rig = useTestServer({ secured: true });
// Nobody works here: what a test leaves would wait before the next one's.
afterEach(async () => void (await rig.bus.purgeSubject(streams.jobs, "speech.job.>")));

async function startIngest(environment: Record<string, string> = {}, watch?: FileWatch): Promise<Ingest> {
  const bus = await rig.connectAs("ingest");
  const settings = readSettings(ingestSettings, environment);
  const log = createLog("ingest", "silent");
  return rig.closeAfter(await createIngest({ bus: watch === undefined ? bus : watched(bus, watch), settings, log }));
}

interface FileWatch {
  /** Told how many bytes of a file there are with its next part, which comes when it resolves. */
  before(bytes: number): Promise<void> | void;
  /** Told before each job is stored. */
  job(subject: string): void;
}

/** The bus as it is, with the reading of files and the publishing of jobs in view. */
function watched(bus: Bus, watch: FileWatch): Bus {
  async function* content(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    let bytes = 0;
    for await (const part of parts) {
      bytes += part.length;
      await watch.before(bytes);
      yield part;
    }
  }
  return {
    ...bus,
    async files(name) {
      const files = await bus.files(name);
      return {
        ...files,
        async read(id, range) {
          const file = await files.read(id, range);
          return file && { ...file, content: content(file.content) };
        },
      };
    },
    async publishOnce(subject, payload, options) {
      if (subject.startsWith("speech.job.")) watch.job(subject);
      return await bus.publishOnce(subject, payload, options);
    },
  };
}

async function submit(items: object[], lane = "interactive"): Promise<string> {
  const batchId = randomUUID();
  await rig.bus.publishOnce(subjects.intake(GATEWAY_SOURCE, batchId), JSON.stringify({ lane, items }), {
    headers: [["Content-Type", "application/json"]],
  });
  return batchId;
}

async function store(bytes: Uint8Array): Promise<string> {
  const files = await rig.bus.files(buckets.files);
  const id = randomUUID();
  await files.put({ id, contentType: "audio/wav", filename: "x", maxBytes: 1e8 }, inChunks(bytes));
  return id;
}

async function until<T>(what: () => Promise<T | undefined | false>): Promise<T> {
  const end = Date.now() + 90_000;
  for (;;) {
    const found = await what();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

async function messages(stream: string, subject: string): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  for await (const message of rig.bus.read({ stream, subject })) found.push(message);
  return found;
}

async function jobsOf(batchId: string, itemId = "0") {
  const found = await messages(streams.jobs, `speech.job.*.*.${batchId}.${itemId}.*`);
  return found
    .map((message) => {
      const headers = readHeaders(jobHeadersSchema, message.headers);
      const length = headers.samples ?? message.data.length / 2;
      const audio = Buffer.from(message.data.subarray(0, length * 2));
      return { n: parseJobSubject(message.subject)?.n ?? -1, seq: message.seq, headers, length, audio };
    })
    .sort((a, b) => a.n - b.n);
}

const wholeOf = (batchId: string, itemId?: string) =>
  until(async () => {
    const jobs = await jobsOf(batchId, itemId);
    return jobs.at(-1)?.headers.last === true && jobs;
  });

const wav = (samples: Int16Array) => encodeWav(samples, { sampleRate: SAMPLE_RATE });
const sound = (seconds: number) => toPcm16(voice(SAMPLE_RATE, seconds));

async function encode(format: SpeechFormat, samples: Int16Array): Promise<Uint8Array> {
  const encoder = await encodeAudio(format, { sampleRate: SAMPLE_RATE, samples: samples.length });
  return Buffer.concat([encoder.push(samples), encoder.end()]);
}

const tenMinutes = sound(600);
const bytesOf = ({ buffer, byteOffset, byteLength }: Int16Array) => Buffer.from(buffer, byteOffset, byteLength);

describe("a file whose text is read as it comes", () => {
  test.each<SpeechFormat>(someOf(["mp3", "wav", "flac"], 3))(
    "of ten minutes, %s, gives its first segment before an eighth of it is read",
    async (format) => {
      const bytes = await encode(format, tenMinutes);
      let read = 0;
      const readAt: number[] = [];
      const before = (count: number) => {
        read = count;
      };
      await startIngest({}, { before, job: () => readAt.push(read) });
      const jobs = await wholeOf(await submit([{ itemId: "0", file: await store(bytes), parts: true }]));
      expect(readAt).toHaveLength(jobs.length);
      expect(readAt[0]).toBeLessThan(bytes.length / 8);
    },
  );

  test("leaves segment by segment while its rest has not come; others of its batch are held as ever", async () => {
    const first = Promise.withResolvers<void>();
    let heldBack = 0;
    await startIngest(
      {},
      {
        before: async (count) => {
          if (count <= 1_048_576) return;
          heldBack += 1;
          await first.promise;
        },
        job: (subject) => {
          if (subject.endsWith(".long.0")) first.resolve();
        },
      },
    );
    const short = await store(wav(sound(3)));
    const long = await store(wav(sound(120)));
    const batchId = await submit([
      { itemId: "long", file: long, parts: true },
      { itemId: "a", file: short },
      { itemId: "b", file: short },
    ]);
    const [a] = await wholeOf(batchId, "a");
    const [b] = await wholeOf(batchId, "b");
    const jobs = await wholeOf(batchId, "long");
    expect(heldBack).toBeGreaterThan(0);
    expect(jobs.map(({ headers }) => headers.together)).toEqual(jobs.map(() => 1));
    expect([a?.headers.together, b?.headers.together]).toEqual([2, 2]);
    expect(Math.min(a?.seq ?? 0, b?.seq ?? 0)).toBeGreaterThan(jobs.at(-1)?.seq ?? Number.POSITIVE_INFINITY);
  });

  test("begins with a short segment, and they grow; without the wish all are cut as ever", async () => {
    await startIngest();
    const audio = sound(200);
    const file = await store(wav(audio));
    const batchId = await submit([
      { itemId: "0", file, parts: true },
      { itemId: "1", file },
    ]);
    const jobs = await wholeOf(batchId);
    expect(Buffer.concat(jobs.map((job) => job.audio)).equals(bytesOf(audio))).toBe(true);
    const limits = { segmentSeconds: 25, firstSegmentSeconds: 4 };
    for (const { n, headers, length } of jobs) {
      expect(headers).toMatchObject({ ...limits, parts: true });
      const limit = limitOf(limits, n);
      if (!headers.last) expect(Math.abs(length / SAMPLE_RATE - limit)).toBeLessThanOrEqual(expandSeconds(limit));
    }
    const even = await wholeOf(batchId, "1");
    expect(Buffer.concat(even.map((job) => job.audio)).equals(bytesOf(audio))).toBe(true);
    for (const { headers, length } of even) {
      expect(headers).toMatchObject({ segmentSeconds: 25, parts: false });
      expect(headers).not.toHaveProperty("firstSegmentSeconds");
      if (!headers.last) expect(length).toBeGreaterThanOrEqual(20 * SAMPLE_RATE);
    }
  });

  test("goes on as it was begun, whatever the settings have become", async () => {
    const audio = sound(200);
    const file = await store(wav(audio));
    const item = { itemId: "0", file, parts: true };
    await startIngest();
    const uninterrupted = await wholeOf(await submit([item]));
    await rig.closeAll();

    const stuck = new Promise<void>(() => undefined);
    const began = await startIngest(
      {},
      { before: (count) => (count <= 1_048_576 ? undefined : stuck), job: () => undefined },
    );
    const batchId = await submit([item]);
    const there = await until(async () => {
      const jobs = await jobsOf(batchId);
      return jobs.length >= 2 && jobs;
    });
    expect(there.at(-1)?.headers.last).toBe(false);
    await began.close();
    await startIngest({ SEGMENT_SECONDS: "7", FIRST_SEGMENT_SECONDS: "10" });
    const jobs = await wholeOf(batchId);
    expect(jobs.length).toBeGreaterThan(there.length);
    expect(jobs.map(({ headers, length }) => ({ start: headers.start, length }))).toEqual(
      uninterrupted.map(({ headers, length }) => ({ start: headers.start, length })),
    );
  });

  test.each([
    [15, "interactive", "short", 4],
    [16, "interactive", "as long as ever", undefined],
    [0, "batch", "short", 4],
    [1, "batch", "as long as ever", undefined],
  ] as const)("behind %i jobs of the %s lane has a first segment that is %s", async (some, lane, _how, first) => {
    const other = lane === "batch" ? "interactive" : "batch";
    for (let n = 0; n < 40; n += 1) {
      await rig.bus.publishOnce(subjects.job("transcribe", n < some ? lane : other, "other", "0", n), "");
    }
    await startIngest();
    const file = await store(wav(sound(60)));
    const [job] = await wholeOf(await submit([{ itemId: "0", file, parts: true }], lane));
    expect(job?.headers).toMatchObject({ segmentSeconds: 25, parts: true });
    expect(job?.headers.firstSegmentSeconds).toBe(first);
    const seconds = (job?.length ?? 0) / SAMPLE_RATE;
    expect(seconds > 6).toBe(first === undefined);
  });

  test("as a drop is asked for by Parlance-Parts", async () => {
    await startIngest();
    const batchId = randomUUID();
    const audio = wav(sound(20));
    const headers: [string, string][] = [[headerNames.parts, "true"]];
    await rig.bus.publishOnce(subjects.intake("lab", batchId), audio, { headers });
    const [first, second] = await wholeOf(batchId);
    expect(first?.length).toBeLessThanOrEqual(6 * SAMPLE_RATE);
    expect(second?.headers).toMatchObject({ parts: true, firstSegmentSeconds: 4 });
  });

  test("that turns bad in its middle keeps the segments before, and its done event is the error", async () => {
    const bytes = Buffer.from(await encode("flac", sound(120)));
    const middle = Math.floor(bytes.length / 2);
    bytes.fill(0x55, middle, middle + 64);
    await startIngest();
    await startResults();
    const batchId = await submit([{ itemId: "0", file: await store(bytes), parts: true }]);
    const done = await until(async () => {
      const [message] = await messages(streams.results, subjects.done(batchId, "0"));
      return message && itemDoneSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
    });
    expect(done).toMatchObject({ status: "error", error: { code: "audio_corrupt" } });
    expect(done).not.toHaveProperty("transcript");

    const jobs = await jobsOf(batchId);
    expect(jobs.length).toBeGreaterThanOrEqual(3);
    expect(jobs.map(({ n, headers }) => ({ n, last: headers.last }))).toEqual(jobs.map((_, n) => ({ n, last: false })));
    // The failure stands behind them, so their own results have their places.
    const failure = await resultOf(batchId, jobs.length);
    expect(failure).toMatchObject({ outcome: "failed", last: true, error: { code: "audio_corrupt" } });
    await rig.bus.publishOnce(subjects.result(batchId, "0", 0), JSON.stringify(heard("hello")), { first: true });
    expect(await resultOf(batchId, 0)).toMatchObject({ outcome: "ok", text: "hello" });
    expect(await messages(streams.results, subjects.done(batchId, "0"))).toHaveLength(1);
  });
});

async function startResults() {
  const bus = await rig.connectAs("results");
  const log = createLog("results", "silent");
  rig.closeAfter(await createResults({ bus, settings: readSettings(resultsSettings, {}), log }));
}

async function resultOf(batchId: string, n: number): Promise<SegmentResult | undefined> {
  const [message] = await messages(streams.results, subjects.result(batchId, "0", n));
  return message && segmentResultSchema.parse(JSON.parse(Buffer.from(message.data).toString()));
}

function heard(text: string): SegmentResult {
  return {
    operation: "transcribe",
    outcome: "ok",
    last: false,
    submittedAt: 1,
    finishedAt: 2,
    timestamps: false,
    text,
    language: "English",
    words: [],
    stretches: [],
    start: 0,
    duration: 4,
    score: -0.1,
    truncated: false,
    model: "parlance-en",
    passSize: 1,
  };
}
