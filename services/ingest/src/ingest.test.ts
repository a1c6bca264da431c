import { randomUUID } from "node:crypto";
import { createDecoderPool, type DecoderPool, encodeWav, toPcm16 } from "@parlance/audio";
import { buildWav, fixture, inChunks, POISON_MAX_SECONDS, poisonCorpus, voice } from "@parlance/audio/testing";
import { connectBus, openBatchNotebook, type StoredMessage } from "@parlance/bus";
import { connectRaw, headerBlock, useTestServer } from "@parlance/bus/testing";
import {
  type BatchRecord,
  buckets,
  deadLetterReasonHeader,
  durables,
  GATEWAY_SOURCE,
  headerNames,
  jobHeadersSchema,
  MAX_CONTEXT,
  OPERATOR_SOURCE,
  parseJobSubject,
  progressSchema,
  readHeaders,
  readSettings,
  refusedSchema,
  type SegmentResult,
  segmentResultSchema,
  streams,
  subjects,
} from "@parlance/contracts";
import { startTestServer } from "@parlance/nats/testing";
import { createLog } from "@parlance/telemetry";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createIngest, type Ingest, ingestSettings } from "./ingest.ts";

// A machine that is busy with other things decodes slowly.
vi.setConfig({ testTimeout: 120_000 });

const rig = useTestServer({ secured: true });

afterEach(async () => {
  await rig.closeAll();
  // Tests do not share their backlogs, and the server's disk is not theirs to fill.
  for (const stream of [streams.intake, streams.jobs]) {
    await rig.bus.purgeBelow(stream, (await rig.bus.streamState(stream)).lastSeq + 1);
  }
});

async function startIngest(
  environment: Record<string, string> = {},
  now = Date.now,
  decoder?: DecoderPool,
): Promise<Ingest> {
  const bus = await rig.connectAs("ingest");
  const settings = readSettings(ingestSettings, { MAX_AUDIO_SECONDS: String(POISON_MAX_SECONDS), ...environment });
  const own = decoder === undefined ? {} : { decoder };
  return rig.closeAfter(await createIngest({ bus, settings, log: createLog("ingest", "silent"), now, ...own }));
}

const threeSeconds = toPcm16(voice(16_000, 3));
const wav = (seconds: number) => encodeWav(threeSeconds.subarray(0, seconds * 16_000), { sampleRate: 16_000 });

const bytesOf = (samples: Int16Array = new Int16Array(0)) =>
  new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);

function longWav(seconds: number): Uint8Array {
  const samples = new Int16Array(seconds * 16_000);
  for (let at = 0; at < samples.length; at += threeSeconds.length) {
    samples.set(threeSeconds.subarray(0, samples.length - at), at);
  }
  return encodeWav(samples, { sampleRate: 16_000 });
}

/** As a plain publisher does it. Returns the batch id. */
async function drop(
  audio: Uint8Array,
  headers: Record<string, string> = {},
  batchId: string = randomUUID(),
  source = "lab",
): Promise<string> {
  await rig.bus.publishOnce(subjects.intake(source, batchId), audio, { headers: Object.entries(headers) });
  return batchId;
}

/** As the gateway does it. */
async function submit(submission: unknown, batchId: string = randomUUID()): Promise<string> {
  const payload = typeof submission === "string" ? submission : JSON.stringify(submission);
  return await drop(Buffer.from(payload), { "Content-Type": "application/json" }, batchId, GATEWAY_SOURCE);
}

async function store(bytes: Uint8Array): Promise<string> {
  const files = await rig.bus.files(buckets.files);
  const id = randomUUID();
  await files.put({ id, contentType: "audio/wav", filename: "x.wav", maxBytes: 1e8 }, inChunks(bytes));
  return id;
}

async function until<T>(what: () => Promise<T | undefined | false>, milliseconds = 90_000): Promise<T> {
  const end = Date.now() + milliseconds;
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

interface Outcome {
  jobs: { n: number; headers: ReturnType<typeof parseHeaders>; samples: Int16Array; lane: string }[];
  failure: Extract<SegmentResult, { outcome: "failed" }> | undefined;
}

const parseHeaders = (message: StoredMessage) => readHeaders(jobHeadersSchema, message.headers);

/** What became of an item, once all of it is there. */
async function outcomeOf(batchId: string, itemId = "0"): Promise<Outcome> {
  return await until(async () => {
    const jobs = (await messages(streams.jobs, `speech.job.*.*.${batchId}.${itemId}.*`)).map((message) => ({
      n: parseJobSubject(message.subject)?.n ?? -1,
      lane: parseJobSubject(message.subject)?.lane ?? "",
      headers: parseHeaders(message),
      samples: new Int16Array(new Uint8Array(message.data).buffer),
    }));
    const [result] = await messages(streams.results, subjects.itemResults(batchId, itemId));
    const parsed =
      result === undefined ? undefined : segmentResultSchema.parse(JSON.parse(Buffer.from(result.data).toString()));
    const failure = parsed?.outcome === "failed" ? parsed : undefined;
    return (failure !== undefined || jobs.some((job) => job.headers.last)) && { jobs, failure };
  });
}

const allAcknowledged = () =>
  until(async () => {
    const { pending, ackPending } = await rig.bus.consumerState(streams.intake, durables.ingest);
    return pending === 0 && ackPending === 0;
  });

async function recordOf(batchId: string) {
  return await openBatchNotebook(rig.bus).read(batchId);
}

describe("an audio drop", () => {
  test("becomes one job with the audio itself, and a record that tells what was asked", async () => {
    await startIngest();
    const batchId = await drop(wav(3), {
      "Content-Type": "audio/wav",
      [headerNames.customId]: "Grüße",
      [headerNames.language]: "en",
      [headerNames.timestamps]: "true",
      [headerNames.context]: "Größen, NATS",
    });
    const { jobs } = await outcomeOf(batchId);
    expect(jobs).toHaveLength(1);
    expect(Buffer.compare(bytesOf(jobs[0]?.samples), bytesOf(threeSeconds))).toBe(0);
    expect(jobs[0]).toMatchObject({
      n: 0,
      lane: "batch",
      headers: { customId: "Grüße", language: "English", timestamps: true, start: 0, last: true, together: 1 },
    });
    expect(jobs[0]?.headers.context).toBe("Größen, NATS");
    await allAcknowledged();
    const record = await recordOf(batchId);
    expect(record).toMatchObject({
      batchId,
      lane: "batch",
      items: [{ itemId: "0", customId: "Grüße", operation: "transcribe" }],
    });
    expect(jobs[0]?.headers.submittedAt).toBe(record?.acceptedAt);
  });

  test("of one segment has no record in the notebook: its job says what was asked; one of two, or one that fails, has", async () => {
    await startIngest({ SEGMENT_SECONDS: "7" });
    const [one, two, bad] = [await drop(wav(3)), await drop(longWav(20)), await drop(Buffer.from("no sound"))];
    const [lone, long] = [await outcomeOf(one), await outcomeOf(two)];
    await outcomeOf(bad);
    await allAcknowledged();
    const { records } = openBatchNotebook(rig.bus);
    expect(await records.get(one)).toBeUndefined();
    expect(lone.jobs.map(({ headers }) => headers.batch)).toEqual([await recordOf(one)]);
    for (const batchId of [two, bad]) expect((await records.get(batchId))?.value).toEqual(await recordOf(batchId));
    expect(long.jobs.length).toBeGreaterThan(1);
    expect(long.jobs.filter(({ headers }) => headers.batch !== undefined)).toEqual([]);
  });

  test("is read before it is taken in as ingest reads it then", async () => {
    const item = { operation: "transcribe", ref_audio: await store(wav(1)), custom_id: "mine" };
    const dropped = [
      await drop(wav(1)),
      await drop(
        wav(1),
        { [headerNames.customId]: "Größe", [headerNames.lane]: "interactive" },
        randomUUID(),
        "publisher.me",
      ),
      await drop(Buffer.from(JSON.stringify({ label: "my label", items: [item] })), {
        "Content-Type": "application/json",
        [headerNames.lane]: "realtime",
      }),
      await drop(Buffer.from(JSON.stringify({ label: null, items: [{ ...item, custom_id: null }] })), {
        "Content-Type": "application/json",
      }),
      await submit({
        label: "rest",
        lane: "interactive",
        items: [{ itemId: "x", customId: "c", file: item.ref_audio }],
      }),
    ];
    const before = await Promise.all(dropped.map(recordOf));
    expect(before.every((record) => record !== undefined)).toBe(true);
    await startIngest();
    for (const [index, batchId] of dropped.entries()) {
      const { jobs } = await outcomeOf(batchId, before[index]?.items[0]?.itemId);
      expect(jobs.map(({ headers }) => headers.batch)).toEqual([before[index]]);
    }
    await allAcknowledged();
  });

  test.each(["voice.mp3", "voice.flac", "voice.ogg", "voice.opus", "voice.webm", "voice.m4a"])(
    "of %s is decoded",
    async (name) => {
      await startIngest();
      const { jobs, failure } = await outcomeOf(await drop(fixture(name)));
      expect(failure).toBeUndefined();
      expect(jobs[0]?.samples.length).toBeGreaterThanOrEqual(48_000);
    },
  );

  test("is left alone when it is dropped again, and refused when it is another one with the same batch id", async () => {
    await startIngest();
    const batchId = await drop(wav(1));
    await outcomeOf(batchId);
    await drop(wav(1), {}, batchId);
    await drop(wav(2), {}, batchId);
    await allAcknowledged();
    expect((await outcomeOf(batchId)).jobs).toHaveLength(1);
    const dead = await messages(streams.dead, subjects.dead("ingest", batchId, "unknown", 0));
    expect(dead.map(({ headers }) => headers.get(deadLetterReasonHeader))).toEqual(["batch_id_taken"]);
    const refused = await messages(streams.results, subjects.refused("lab", batchId));
    expect(refused.map(({ data }) => refusedSchema.parse(JSON.parse(Buffer.from(data).toString())))).toMatchObject([
      { batchId, source: "lab", error: { code: "batch_id_taken" }, intake: { seq: expect.any(Number) } },
    ]);
  });

  test("on a subject with an impossible batch id is put aside", async () => {
    await startIngest();
    await rig.bus.publishOnce("speech.intake.lab.not$valid", wav(1));
    await allAcknowledged();
    const dead = await messages(streams.dead, subjects.dead("ingest", "unknown", "unknown", 0));
    expect(dead.at(-1)?.headers.get(deadLetterReasonHeader)).toMatch(/batch id/);
  });
});

describe("bad input fails as what it is, alone", () => {
  test("every poison of the corpus, and the good ones between them go on", async () => {
    await startIngest();
    const corpus = poisonCorpus();
    const sent: { batchId: string; code: string | undefined }[] = [];
    for (const { bytes, code } of corpus) {
      const large = bytes.length > 900_000;
      const batchId = large
        ? await submit({ items: [{ itemId: "0", file: await store(bytes) }] })
        : await drop(bytes, { "Content-Type": "audio/wav" });
      sent.push({ batchId, code }, { batchId: await drop(wav(0.2)), code: undefined });
    }
    const codes: (string | undefined)[] = [];
    for (const { batchId } of sent) codes.push((await outcomeOf(batchId)).failure?.error.code);
    expect(codes).toEqual(sent.map(({ code }) => code));
    await allAcknowledged();
  });

  test("silence and 10 ms are audio: the model has the word", async () => {
    await startIngest();
    const silence = await drop(buildWav({ data: new Uint8Array(32_000) }));
    const blink = await drop(wav(0.01));
    expect((await outcomeOf(silence)).jobs[0]?.samples.length).toBe(16_000);
    expect((await outcomeOf(blink)).jobs[0]?.samples.length).toBe(160);
  });

  test("an unknown language names the header", async () => {
    await startIngest();
    const { failure } = await outcomeOf(
      await drop(wav(1), { [headerNames.language]: "Klingon", [headerNames.customId]: "me" }),
    );
    expect(failure).toMatchObject({
      customId: "me",
      last: true,
      error: { code: "validation_failed", param: headerNames.language, message: expect.stringContaining("Klingon") },
    });
  });

  test.each<[string, unknown, string]>([
    ["that is not JSON", "{", "invalid_json"],
    [
      "of 1001 items",
      { items: Array.from({ length: 1_001 }, (_, n) => ({ itemId: `i${n}`, file: "f" })) },
      "validation_failed",
    ],
  ])(
    "a submission %s is a dead letter, and its batch has one failed item that tells why",
    async (_, submission, code) => {
      await startIngest();
      const batchId = await submit(submission);
      expect((await outcomeOf(batchId)).failure?.error.code).toBe(code);
      await allAcknowledged();
      expect(await recordOf(batchId)).toMatchObject({ items: [{ itemId: "0" }] });
      const [dead] = await messages(streams.dead, subjects.dead("ingest", batchId, "unknown", 0));
      expect(dead?.headers.get(deadLetterReasonHeader)).toMatch(code);
    },
  );
});

describe("a message that no client would send", () => {
  test.each([
    ["malformed headers", headerBlock("Parlance-Custom-Id: me", "Bad Name: 1")],
    ["malformed headers of nearly 64 KiB", headerBlock("Parlance-Custom-Id: me", `Bad Name: ${"x".repeat(65_400)}`)],
    [
      "a line break in a value",
      headerBlock("Parlance-Custom-Id: me", "Parlance-Context: a\nb", `X: ${"x".repeat(64_000)}`),
    ],
  ])("for its %s is one dead letter, its sender is told, and its neighbours do not notice", async (_, block) => {
    const before = await drop(wav(1));
    const batchId = randomUUID();
    const raw = rig.closeAfter(await connectRaw(rig.server.as("topology")));
    await raw.publish(subjects.intake("lab", batchId), block, wav(1));
    const behind = await drop(wav(1));
    await startIngest();
    for (const good of [before, behind]) expect((await outcomeOf(good)).jobs).toHaveLength(1);
    const { failure } = await outcomeOf(batchId);
    expect(failure).toMatchObject({ customId: "me", error: { code: "validation_failed", param: "headers" } });
    await allAcknowledged();
    const dead = await messages(streams.dead, subjects.dead("ingest", batchId, "unknown", 0));
    expect(dead).toHaveLength(1);
    expect(dead[0]?.headers.get(deadLetterReasonHeader)).toMatch(/headers cannot be read/);
    expect(dead[0]?.headers.get(headerNames.customId)).toBe("me");
  });
});

describe("a submission", () => {
  test("of good and bad items: each has its own outcome", async () => {
    await startIngest();
    const batchId = await submit({
      label: "mixed",
      items: [
        { itemId: "wav", customId: "first", file: await store(wav(2)), language: "English" },
        { itemId: "gone", file: "no-such-file" },
        { itemId: "zip", file: await store(Buffer.from("PK\x03\x04 and so on")) },
        { itemId: "klingon", file: await store(wav(1)), language: "Klingon" },
        { itemId: "voice", operation: "custom_voice", text: "!" },
        { itemId: "mp3", file: await store(fixture("voice.mp3")) },
      ],
    });
    expect((await outcomeOf(batchId, "wav")).jobs[0]?.headers).toMatchObject({
      customId: "first",
      language: "English",
    });
    expect((await outcomeOf(batchId, "mp3")).jobs).toHaveLength(1);
    const codes = await Promise.all(
      ["gone", "zip", "klingon", "voice"].map(async (itemId) => (await outcomeOf(batchId, itemId)).failure?.error.code),
    );
    expect(codes).toEqual(["file_not_found", "audio_unsupported", "validation_failed", "text_unspeakable"]);
    expect((await recordOf(batchId))?.items).toHaveLength(6);
  });

  test("gives its wishes, the longest there may be, to the job of each segment", async () => {
    await startIngest();
    const list = Array.from({ length: 64 }, (_, index) => `${index}`.padEnd(250, "x"));
    const context = "\u0001".repeat(MAX_CONTEXT);
    const file = await store(longWav(70));
    const item = { itemId: "0", file, hotwords: list, phrases: list, context, language: "Swahili" };
    const { jobs, failure } = await outcomeOf(await submit({ items: [item] }));
    expect(failure).toBeUndefined();
    expect(jobs.length).toBeGreaterThan(1);
    for (const { headers } of jobs) {
      expect(headers).toMatchObject({ hotwords: list, phrases: list, context, language: "Swahili" });
    }
  });

  test("of a file that had expired when it was submitted fails with file_expired", async () => {
    await startIngest({ FILE_TTL: "1" });
    const file = await store(wav(1));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await outcomeOf(await submit({ items: [{ itemId: "0", file }] }))).failure?.error.code).toBe(
      "file_expired",
    );
  });

  test("of the gateway, which has written the record, is taken; another source's with that id is not", async () => {
    await startIngest();
    const batchId: string = randomUUID();
    const record: BatchRecord = {
      batchId,
      label: "",
      lane: "batch",
      acceptedAt: 1_234,
      items: [{ itemId: "a", operation: "transcribe" }],
    };
    await openBatchNotebook(rig.bus).enter(record);
    await drop(wav(1), {}, batchId);
    await allAcknowledged();
    const payload = JSON.stringify({ items: [{ itemId: "a", file: await store(wav(1)) }] });
    await rig.bus.publishOnce(subjects.intake("rest", batchId), payload, {
      headers: [["Content-Type", "application/json"]],
    });
    expect((await outcomeOf(batchId, "a")).jobs[0]?.headers.submittedAt).toBe(1_234);
    expect(await messages(streams.dead, subjects.dead("ingest", batchId, "unknown", 0))).toHaveLength(1);
    expect(await messages(streams.jobs, subjects.batchJobs(batchId))).toHaveLength(1);
  });

  test.each([
    ["the gateway", undefined, ["lab", "publisher.anything", "operator"]],
    ["a publisher", "lab", ["other", "publisher.lab", "rest"]],
    ["a publisher without a name", "publisher.lab", ["lab", "rest"]],
    ["an operator, who runs one again", OPERATOR_SOURCE, ["lab", "publisher.operator", "rest"]],
  ])("of %s is nobody else's: no other source adds to it, or ends it", async (_, owner, others) => {
    await startIngest();
    const batchId: string = randomUUID();
    const items = [{ itemId: "0", operation: "transcribe" as const }];
    const record: BatchRecord = { batchId, label: "", lane: "batch", acceptedAt: 1, items };
    if (owner === undefined || owner === OPERATOR_SOURCE) {
      const source = owner === undefined ? {} : { source: owner };
      await openBatchNotebook(rig.bus).enter({ ...record, ...source });
    } else {
      await outcomeOf(await drop(wav(1), {}, batchId, owner));
    }
    const before = await recordOf(batchId);
    const jobs = (await messages(streams.jobs, subjects.batchJobs(batchId))).length;
    // The very same bytes, too: only its owner's are a retry.
    for (const source of others) await drop(wav(1), {}, batchId, source);
    await allAcknowledged();
    expect(await recordOf(batchId)).toEqual(before);
    expect(await messages(streams.jobs, subjects.batchJobs(batchId))).toHaveLength(jobs);
    expect(await messages(streams.results, `speech.result.${batchId}.>`)).toHaveLength(0);
    expect(await messages(streams.dead, subjects.dead("ingest", batchId, "unknown", 0))).toHaveLength(others.length);
  });

  test("on the interactive lane has its jobs together, each saying how many they are", async () => {
    await startIngest();
    const items = await Promise.all(
      [1, 2, 3].map(async (seconds) => ({ itemId: `s${seconds}`, file: await store(longWav(seconds)) })),
    );
    const batchId = await submit({ lane: "interactive", items: [...items, { itemId: "bad", file: "nothing" }] });
    for (const { itemId } of items) {
      expect((await outcomeOf(batchId, itemId)).jobs).toMatchObject([
        { lane: "interactive", headers: { together: 3 } },
      ]);
    }
    const sequences = (await messages(streams.jobs, subjects.batchJobs(batchId))).map(({ seq }) => seq);
    expect(Math.max(...sequences) - Math.min(...sequences)).toBe(2);
  });

  test("of a long file streams its segments: no gap, no overlap, the last one says so", async () => {
    await startIngest();
    const seconds = 130;
    const batchId = await submit({ items: [{ itemId: "0", file: await store(longWav(seconds)) }] });
    const { jobs } = await outcomeOf(batchId);
    expect(jobs.length).toBeGreaterThan(4);
    let expected = 0;
    for (const [index, job] of jobs.entries()) {
      expect(job).toMatchObject({
        n: index,
        headers: { start: expected, last: index === jobs.length - 1, together: 1 },
      });
      expected += job.headers.samples ?? job.samples.length;
    }
    expect(expected).toBe(seconds * 16_000);
  });
});

describe("while it works", () => {
  test("an interactive request does not wait behind long files", async () => {
    await startIngest();
    const file = await store(longWav(600));
    const long = await submit({ items: Array.from({ length: 12 }, (_, n) => ({ itemId: `l${n}`, file })) });
    await until(async () => (await rig.bus.countSubjects(streams.jobs, subjects.batchJobs(long))).size > 0);
    const began = performance.now();
    await outcomeOf(await drop(wav(3), { [headerNames.lane]: "interactive" }));
    await outcomeOf(await drop(fixture("voice.mp3"), { [headerNames.lane]: "realtime" }));
    const waited = performance.now() - began;
    const { pending, ackPending } = await rig.bus.consumerState(streams.intake, durables.ingest);
    expect(pending + ackPending).toBe(1);
    expect(waited).toBeLessThan(20_000);
    await openBatchNotebook(rig.bus).cancel(long, 1);
    await allAcknowledged();
  });

  test("a long file rests while somebody asks and workers have passes to do, and loses nothing by it", async () => {
    const rests: number[] = [];
    const limits = { processes: 1, maxBytes: 1e8, maxSeconds: 1_000, segmentSeconds: 25, timeoutMs: 60_000 };
    const decoder = createDecoderPool({
      ...limits,
      async pause(ms) {
        rests.push(ms);
      },
    });
    await startIngest({}, Date.now, decoder);
    for (let n = 0; n < 48; n += 1) {
      await rig.bus.publishOnce(subjects.job("transcribe", "batch", "waiting", "0", n), wav(0.01));
    }
    const item = { itemId: "0", file: await store(longWav(300)) };
    const alone = await outcomeOf(await submit({ items: [item] }));
    expect(rests).toEqual([]);
    await outcomeOf(await drop(wav(1), { [headerNames.lane]: "realtime" }));
    const beside = await outcomeOf(await submit({ items: [item] }));
    expect(rests.length).toBeGreaterThan(0);
    expect(beside.jobs.map(({ samples }) => samples.length)).toEqual(alone.jobs.map(({ samples }) => samples.length));
  });

  test("a cancelled batch is decoded no further, and one cancelled before it began not at all", async () => {
    await startIngest();
    const notebook = openBatchNotebook(rig.bus);
    const file = await store(longWav(600));
    const early: string = randomUUID();
    await notebook.cancel(early, 1);
    const running = await submit({ items: Array.from({ length: 6 }, (_, n) => ({ itemId: `l${n}`, file })) });
    await until(async () => (await rig.bus.countSubjects(streams.jobs, subjects.batchJobs(running))).size > 0);
    await notebook.cancel(running, 1);
    await submit({ items: [{ itemId: "0", file }] }, early);
    await allAcknowledged();
    expect((await rig.bus.countSubjects(streams.jobs, subjects.batchJobs(running))).size).toBeLessThan(6 * 24);
    expect((await rig.bus.countSubjects(streams.jobs, subjects.batchJobs(early))).size).toBe(0);
    expect(await recordOf(early)).toBeDefined();
  });

  test("a long file tells how far it is", async () => {
    let clock = Date.now();
    const second = () => {
      clock += 1_000;
      return clock;
    };
    await startIngest({}, second);
    const stop = new AbortController();
    const shares: number[] = [];
    const batchId: string = randomUUID();
    const events = rig.bus.subscribe(subjects.progress(batchId, "0"), stop.signal);
    const listening = (async () => {
      for await (const { data } of events) {
        const progress = progressSchema.parse(JSON.parse(Buffer.from(data).toString()));
        shares.push(progress.share ?? -1);
        if (progress.state === "decoding") break;
      }
    })();
    await rig.bus.flush();
    await submit({ items: [{ itemId: "0", file: await store(longWav(120)) }] }, batchId);
    await listening;
    stop.abort();
    expect(shares[0]).toBeGreaterThan(0);
    expect(shares[0]).toBeLessThanOrEqual(1);
    await outcomeOf(batchId);
  });

  test("what it counts can be scraped", async () => {
    const { registry } = await startIngest();
    await outcomeOf(await drop(wav(2)));
    await outcomeOf(await drop(Buffer.from("nothing to hear")));
    await allAcknowledged();
    const text = await registry.metrics();
    expect(text).toMatch(/parlance_ingest_items_total\{outcome="queued",service="ingest"\} 1/);
    expect(text).toMatch(/parlance_ingest_failures_total\{code="audio_unsupported",service="ingest"\} 1/);
    expect(text).toMatch(/parlance_ingest_audio_seconds_total\{service="ingest"\} 2/);
  });

  test("segments that would not fit a message stop the start", async () => {
    await expect(startIngest({ SEGMENT_SECONDS: "40" })).rejects.toThrow(/SEGMENT_SECONDS: segments of up to 45 s/);
  });
});

test("a full queue is waited for: as it empties, every drop arrives, once", async () => {
  const small = await startTestServer({ settings: { JOBS_MAX_BYTES: 1_048_576 } });
  const own = await connectBus({ name: "ingest", ...small.as() });
  const ingest = await createIngest({
    bus: own,
    settings: readSettings(ingestSettings, {}),
    log: createLog("ingest", "silent"),
  });
  try {
    for (let index = 0; index < 40; index += 1) await own.publishOnce(subjects.intake("lab", `drop${index}`), wav(3));
    const arrived: string[] = [];
    await until(async () => {
      let newest = 0;
      for await (const { subject, seq } of own.read({
        stream: streams.jobs,
        subject: "speech.job.>",
        headersOnly: true,
      })) {
        arrived.push(subject);
        newest = seq;
      }
      expect((await own.streamState(streams.jobs)).messages).toBeLessThan(12);
      await own.purgeBelow(streams.jobs, newest + 1);
      return arrived.length >= 40;
    });
    const state = await until(async () => {
      const { pending, ackPending } = await own.consumerState(streams.intake, durables.ingest);
      return pending + ackPending === 0 && "all acknowledged";
    });
    expect(state).toBe("all acknowledged");
    expect(new Set(arrived).size).toBe(40);
    expect(arrived).toHaveLength(40);
  } finally {
    await ingest.close();
    await own.close();
    await small.stop();
  }
});
