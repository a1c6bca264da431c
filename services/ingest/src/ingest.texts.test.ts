import { createHash, randomUUID } from "node:crypto";
import { encodeWav, toPcm16 } from "@parlance/audio";
import { buildWav, encodeSamples, inChunks, music, sentence, voice } from "@parlance/audio/testing";
import type { StoredMessage } from "@parlance/bus";
import { answerAsWorker, useTestServer } from "@parlance/bus/testing";
import {
  buckets,
  durables,
  headerNames,
  jobHeadersSchema,
  parseJobSubject,
  parseResultSubject,
  readHeaders,
  readSettings,
  requestSubjects,
  type SegmentResult,
  seedOf,
  segmentResultSchema,
  streams,
  subjects,
  voiceAnswerSchema,
  voiceIdOf,
  type WorkerState,
  writeHeaders,
} from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { cutText } from "@parlance/tts/text";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createIngest, ingestSettings } from "./ingest.ts";

// A machine that is busy with other things decodes slowly.
vi.setConfig({ testTimeout: 120_000 });

const rig = useTestServer({ secured: true });

async function startIngest(environment: Record<string, string> = {}) {
  const bus = await rig.connectAs("ingest");
  const settings = readSettings(ingestSettings, environment);
  return rig.closeAfter(await createIngest({ bus, settings, log: createLog("ingest", "silent") }));
}

async function publish(payload: Uint8Array | string, headers: Record<string, string>, batchId: string = randomUUID()) {
  await rig.bus.publishOnce(subjects.intake("lab", batchId), payload, { headers: Object.entries(headers) });
  return batchId;
}

const say = (text: string, headers: Record<string, string> = {}) =>
  publish(text, { [headerNames.contentType]: "text/plain", ...headers });

const submit = (items: object[], lane = "batch") =>
  publish(JSON.stringify({ items }), { [headerNames.contentType]: "application/json", [headerNames.lane]: lane });

async function store(bytes: Uint8Array): Promise<string> {
  const id = randomUUID();
  const file = { id, contentType: "audio/wav", filename: "x.wav", maxBytes: 1e9 };
  await (await rig.bus.files(buckets.files)).put(file, inChunks(bytes));
  return id;
}

async function all(stream: string, subject: string): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  for await (const message of rig.bus.read({ stream, subject })) found.push(message);
  return found;
}

interface Outcome {
  jobs: { n: number; operation: string; headers: ReturnType<typeof headersOf>; text: string }[];
  failure: Extract<SegmentResult, { outcome: "failed" }> | undefined;
}

const headersOf = (message: StoredMessage) => readHeaders(jobHeadersSchema, message.headers);

async function outcomeOf(batchId: string, itemId = "0"): Promise<Outcome> {
  const end = Date.now() + 60_000;
  for (;;) {
    const jobs = (await all(streams.jobs, `speech.job.*.*.${batchId}.${itemId}.*`)).map((message) => {
      const headers = headersOf(message);
      const { n = -1, operation = "" } = parseJobSubject(message.subject) ?? {};
      return { n, operation, headers, text: Buffer.from(message.data).toString() };
    });
    const [result] = await all(streams.results, subjects.itemResults(batchId, itemId));
    const parsed = result && segmentResultSchema.parse(JSON.parse(Buffer.from(result.data).toString()));
    const failure = parsed?.outcome === "failed" ? parsed : undefined;
    if (failure !== undefined || jobs.some((job) => job.headers.last)) return { jobs, failure };
    if (Date.now() > end) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

const long = Array.from(
  { length: 40 },
  (_, index) => `This is sentence number ${index} of a long text, as people write them.`,
);

/** While a tts worker answers that it can do this. */
async function withWorker(abilities: Partial<WorkerState>, work: () => Promise<void>): Promise<void> {
  const stop = await answerAsWorker(rig.bus, abilities);
  try {
    await work();
  } finally {
    stop();
  }
}

describe("a text", () => {
  let stopWorker: () => void;

  beforeAll(async () => {
    stopWorker = await answerAsWorker(rig.bus, { operations: ["custom_voice"] });
  });
  afterAll(() => stopWorker());

  test("becomes one job a sentence, in order, with the silence between them", async () => {
    await startIngest();
    const text = "Good morning. How are you?\n\nI am well.";
    const { jobs } = await outcomeOf(await say(text, { [headerNames.format]: "flac", [headerNames.speed]: "0.5" }));
    const pieces = cutText(text);
    expect(pieces.length).toBeGreaterThan(1);
    expect(jobs.map((job) => ({ text: job.text, pauseMs: job.headers.pauseMs }))).toEqual(pieces);
    expect(jobs.map(({ n }) => n)).toEqual(pieces.map((_, n) => n));
    expect(jobs.map(({ headers }) => headers.last)).toEqual(pieces.map((_, n) => n === pieces.length - 1));
    expect(jobs[0]).toMatchObject({ operation: "custom_voice", headers: { format: "flac", speed: 0.5, together: 1 } });
  });

  test("that somebody waits for is published together, its first sentence alone and at once", async () => {
    await startIngest();
    const batchId = await say(long.slice(0, 9).join(" "), { [headerNames.lane]: "interactive" });
    const { jobs } = await outcomeOf(batchId);
    expect(jobs[0]?.headers.together).toBe(1);
    expect(jobs.map(({ headers }) => headers.parts)).not.toContain(true);
    const others = jobs.slice(1);
    expect(others.length).toBeGreaterThan(1);
    expect(new Set(others.map(({ headers }) => headers.together))).toEqual(new Set([others.length]));
  });

  test("whose sound is taken as it comes says so in each of its jobs, which are published together all the same", async () => {
    await startIngest();
    const asked = { [headerNames.lane]: "interactive", [headerNames.parts]: "true" };
    const { jobs } = await outcomeOf(await say(long.slice(0, 9).join(" "), asked));
    expect(new Set(jobs.map(({ headers }) => headers.parts))).toEqual(new Set([true]));
    expect(new Set(jobs.slice(1).map(({ headers }) => headers.together))).toEqual(new Set([jobs.length - 1]));
  });

  test("goes with audio in one submission, each its own kind of job", async () => {
    await startIngest();
    const file = await store(encodeWav(toPcm16(voice(16_000, 1)), { sampleRate: 16_000 }));
    const batchId = await submit([
      { operation: "transcribe", ref_audio: file },
      { operation: "custom_voice", text: "Hello there.", voice: "slt" },
    ]);
    expect((await outcomeOf(batchId, "1")).jobs).toMatchObject([{ text: "Hello there.", headers: { voice: "slt" } }]);
    expect((await outcomeOf(batchId, "0")).jobs).toMatchObject([{ operation: "transcribe" }]);
  });

  test("that cannot be said fails alone and says why", async () => {
    await startIngest();
    const batchId = await submit([
      { operation: "custom_voice", text: "" },
      { operation: "custom_voice", text: "Fine." },
    ]);
    expect((await outcomeOf(batchId, "0")).failure).toMatchObject({
      operation: "custom_voice",
      error: { code: "text_empty", param: "items.0.text" },
    });
    expect((await outcomeOf(batchId, "1")).jobs).toHaveLength(1);
  });

  test("is refused where nothing is spoken", async () => {
    await startIngest({ ENABLE_TTS: "false" });
    expect((await outcomeOf(await say("Hello."))).failure?.error.code).toBe("operation_unavailable");
  });
});

describe("a text that is hard to cut", () => {
  test("of 4,096 characters without a full stop is said whole, in pieces; one of emoji alone is refused", async () => {
    await withWorker({ operations: ["custom_voice"] }, async () => {
      await startIngest();
      const endless = "and on it goes without an end ".repeat(137).slice(0, 4_096);
      const { jobs, failure } = await outcomeOf(await say(endless));
      expect(failure).toBeUndefined();
      expect(jobs.map(({ text }) => text).join(" ")).toBe(endless);
      for (const { text } of jobs) expect(text.length).toBeLessThanOrEqual(300);
      const emoji = await outcomeOf(await say("\u{1f600}\u{1f389} \u{1f680}"));
      expect(emoji.failure?.error).toMatchObject({ code: "text_unspeakable", param: "payload" });
    });
  });
});

describe("a text that no worker may be able to say", () => {
  const design = { operation: "voice_design", text: "Ahoy.", instructions: "an old sailor" };

  test("waits at the door until a worker has said what it can do, and is refused when that is something else", async () => {
    await startIngest();
    const [designed, plain] = [await submit([design]), await say("Hello.")];
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (const batchId of [designed, plain]) {
      expect(await all(streams.jobs, `speech.job.*.*.${batchId}.>`)).toEqual([]);
    }
    await withWorker({ operations: ["voice_design"] }, async () => {
      expect((await outcomeOf(designed)).jobs).toMatchObject([{ operation: "voice_design", text: "Ahoy." }]);
      const refused = await outcomeOf(plain);
      expect(refused.jobs).toEqual([]);
      expect(refused.failure).toMatchObject({
        operation: "custom_voice",
        error: {
          code: "operation_unavailable",
          message: expect.stringContaining("parlance-voice cannot do custom_voice"),
        },
      });
    });
  });

  test("is refused when no worker could do it", async () => {
    const voices = [{ id: "slt", name: "SLT", gender: "female" as const, language: "English" }];
    await withWorker({ operations: ["custom_voice"], languages: ["English"], voices }, async () => {
      await startIngest();
      const refused = await outcomeOf(await submit([design]));
      expect(refused.failure?.error).toMatchObject({ code: "operation_unavailable", param: "items.0.operation" });
      const foreign = await submit([{ operation: "custom_voice", text: "\u041f\u0440\u0438\u0432\u0435\u0442" }]);
      expect((await outcomeOf(foreign)).failure?.error).toMatchObject({
        code: "text_unspeakable",
        param: "items.0.text",
        message: expect.stringMatching(/^items\.0\.text: The text is for the most part not in letters/),
      });
      expect((await outcomeOf(await say("\u041f\u0440\u0438\u0432\u0435\u0442"))).failure?.error).toMatchObject({
        code: "text_unspeakable",
        param: "payload",
      });
      expect((await outcomeOf(await say("Say \u041c\u043e\u0441\u043a\u0432\u0430 please."))).failure).toBeUndefined();
      expect((await outcomeOf(await say("Hi.", { [headerNames.voice]: "ryan" }))).failure?.error).toMatchObject({
        code: "voice_unknown",
        param: headerNames.voice,
      });
    });
  });
});

describe("a voice to clone", () => {
  let stopWorker: () => void;
  const clone = (file: string, more: object = {}) => ({
    operation: "voice_clone",
    text: "It is me. And it is me again, in a second sentence.",
    ref_audio: file,
    ref_text: "Hello.\nThere.",
    ...more,
  });
  const wav = (samples: Int16Array) => encodeWav(samples, { sampleRate: 16_000 });
  const spoken = sentence("flite-awb-1");
  const minutes = (count: number) =>
    buildWav({ sampleRate: 8_000, bits: 8, data: Buffer.alloc(count * 60 * 8_000, encodeSamples(voice(8_000, 1), 8)) });

  beforeAll(async () => {
    stopWorker = await answerAsWorker(rig.bus, { operations: ["voice_clone"] });
  });
  afterAll(() => stopWorker());

  async function referenceOf(id = ""): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await (await rig.bus.files(buckets.references)).read(id))?.content ?? [])
      chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  test("is named by every sentence by its checksum, kept once at 24 kHz, and what is said in it is on one line", async () => {
    await startIngest();
    const [once, again] = await Promise.all([store(wav(spoken)), store(wav(spoken))]);
    const batchId = await submit([clone(once), clone(again, { ref_text: "", x_vector_only_mode: true, seed: 7 })]);
    const { jobs, failure } = await outcomeOf(batchId);
    expect(failure).toBeUndefined();
    expect(jobs.length).toBeGreaterThan(1);
    const [first] = jobs;
    const kept = await referenceOf(first?.headers.reference);
    expect(createHash("sha256").update(kept).digest("hex")).toBe(first?.headers.reference);
    expect(kept.length / 2).toBeCloseTo(spoken.length * 1.5, -2);
    for (const { text, headers, operation } of jobs) {
      expect(operation).toBe("voice_clone");
      expect(text).toMatch(/it is me/i);
      expect(headers).toMatchObject({ referenceText: "Hello. There.", reference: first?.headers.reference });
      // One for all of its sentences, and told with each: nobody named one.
      expect(headers.seed).toBe(seedOf(batchId, "0"));
    }
    const alone = await outcomeOf(batchId, "1");
    expect(alone.jobs[0]?.headers).toMatchObject({ reference: first?.headers.reference, seed: 7 });
    expect(alone.jobs[0]?.headers.referenceText).toBeUndefined();
  });

  test("has its own errors, which name the recording", async () => {
    await startIngest();
    const clipped = spoken.map((sample) => Math.max(-12_000, Math.min(12_000, sample * 4)));
    const files = {
      audio_unsupported: Buffer.from("this is no audio at all, it is text"),
      reference_too_short: wav(spoken.subarray(8_000, 12_800)),
      reference_too_long: minutes(40),
      reference_without_speech: wav(music(5 * 16_000)),
      reference_clipped: wav(clipped),
    };
    const silent = await store(wav(new Int16Array(3 * 16_000)));
    const items = await Promise.all(Object.values(files).map(async (bytes) => clone(await store(bytes))));
    const good = await store(wav(spoken.subarray(0, 16_000)));
    const batchId = await submit([...items, clone("nobody"), clone(silent), clone(good)]);
    const codes = [...Object.keys(files), "file_not_found", "reference_without_speech"];
    for (const [index, code] of codes.entries()) {
      const param = `items.${index}.ref_audio`;
      expect((await outcomeOf(batchId, String(index))).failure?.error, code).toMatchObject({
        code,
        param,
        message: expect.stringMatching(new RegExp(`^${param}: `)),
      });
    }
    expect((await outcomeOf(batchId, String(codes.length))).failure).toBeUndefined();
  });

  test("that is stored speaks by its id, on every way in; one that is not there is told by its field", async () => {
    await startIngest();
    const asked = {
      name: "Anna",
      ref_audio: await store(wav(spoken)),
      ref_text: "Hello.",
      consent: "herself",
      language: "en",
    };
    const added = await rig.bus.request(requestSubjects.voiceAdd, JSON.stringify(asked), 30_000);
    const { id } = voiceAnswerSchema.parse(JSON.parse(Buffer.from(added ?? "").toString()));
    const batchId = await submit([
      { operation: "custom_voice", text: "Hi.", voice: id },
      { operation: "voice_clone", text: "Hi.", voice: voiceIdOf("nobody") },
      { operation: "voice_clone", text: "Hi.", voice: id, language: "German" },
    ]);
    const expected = {
      voice: id,
      language: "English",
      referenceText: "Hello.",
      reference: expect.stringMatching(/^[0-9a-f]{64}$/),
    };
    expect((await outcomeOf(batchId)).jobs).toMatchObject([{ operation: "voice_clone", headers: expected }]);
    expect((await outcomeOf(batchId, "1")).failure?.error).toMatchObject({
      code: "voice_not_found",
      param: "items.1.voice",
    });
    expect((await outcomeOf(batchId, "2")).jobs).toMatchObject([{ headers: { ...expected, language: "German" } }]);
    const dropped = await say("Hello there.", { [headerNames.voice]: id, [headerNames.seed]: "4294967295" });
    expect((await outcomeOf(dropped)).jobs).toMatchObject([
      { operation: "voice_clone", headers: { ...expected, seed: 4_294_967_295 } },
    ]);
    expect((await outcomeOf(await say("Hi.", { [headerNames.seed]: "-1" }))).failure?.error).toMatchObject({
      param: headerNames.seed,
    });
  });

  test("that was deleted before all of a text was published is told behind what was, where a result is not taken yet", async () => {
    const batchId = await say("Hello there. It is me.", { [headerNames.voice]: voiceIdOf("nobody") });
    const intake = { stream: streams.intake, durable: durables.ingest };
    const [delivery] = await rig.bus.pull({ ...intake, max: 1, waitMs: 10_000 });
    expect(delivery?.subject).toBe(subjects.intake("lab", batchId));
    const first = subjects.job("voice_clone", "batch", batchId, "0", 0);
    await rig.bus.publishOnce(first, "Hello there.", { headers: writeHeaders({ submittedAt: 1, last: false }) });
    delivery?.nak(0);
    await startIngest();
    expect((await outcomeOf(batchId)).failure?.error.code).toBe("voice_not_found");
    const results = await all(streams.results, subjects.itemResults(batchId, "0"));
    expect(results.map(({ subject }) => parseResultSubject(subject)?.n)).toEqual([1]);
  });
});
