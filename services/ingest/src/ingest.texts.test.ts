import { randomUUID } from "node:crypto";
import { encodeWav, toPcm16 } from "@parlance/audio";
import { buildWav, encodeSamples, fixture, inChunks, voice } from "@parlance/audio/testing";
import type { StoredMessage } from "@parlance/bus";
import { answerAsWorker, useTestServer } from "@parlance/bus/testing";
import {
  buckets,
  headerNames,
  jobHeadersSchema,
  parseJobSubject,
  readHeaders,
  readSettings,
  type SegmentResult,
  segmentResultSchema,
  streams,
  subjects,
  type WorkerState,
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
  jobs: { n: number; operation: string; headers: ReturnType<typeof headersOf>; text: string; reference: Int16Array }[];
  failure: Extract<SegmentResult, { outcome: "failed" }> | undefined;
}

const headersOf = (message: StoredMessage) => readHeaders(jobHeadersSchema, message.headers);

async function outcomeOf(batchId: string, itemId = "0"): Promise<Outcome> {
  const end = Date.now() + 60_000;
  for (;;) {
    const jobs = (await all(streams.jobs, `speech.job.*.*.${batchId}.${itemId}.*`)).map((message) => {
      const headers = headersOf(message);
      const textBytes = message.data.length - headers.referenceSamples * 2;
      const { n = -1, operation = "" } = parseJobSubject(message.subject) ?? {};
      const reference = new Int16Array(new Uint8Array(message.data.subarray(textBytes)).buffer);
      return { n, operation, headers, text: Buffer.from(message.data.subarray(0, textBytes)).toString(), reference };
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
    expect((await all(streams.jobs, `speech.job.*.*.${batchId}.>`)).length).toBeGreaterThanOrEqual(0);
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
  const seconds = (count: number) =>
    buildWav({ data: Buffer.concat(Array.from({ length: count }, () => encodeSamples(voice(16_000, 1), 16))) });
  const minutes = (count: number) =>
    buildWav({ sampleRate: 8_000, bits: 8, data: Buffer.alloc(count * 60 * 8_000, encodeSamples(voice(8_000, 1), 8)) });

  beforeAll(async () => {
    stopWorker = await answerAsWorker(rig.bus, { operations: ["voice_clone"] });
  });
  afterAll(() => stopWorker());

  test("rides with every sentence at 24 kHz, and what is said in it on one line", async () => {
    await startIngest();
    const batchId = await submit([clone(await store(fixture("voice.mp3")))]);
    const { jobs, failure } = await outcomeOf(batchId);
    expect(failure).toBeUndefined();
    expect(jobs.length).toBeGreaterThan(1);
    for (const { reference, headers, operation } of jobs) {
      expect(operation).toBe("voice_clone");
      expect(reference.length).toBe(3 * 24_000);
      expect(reference.some((sample) => Math.abs(sample) > 1_000)).toBe(true);
      expect(headers).toMatchObject({ referenceText: "Hello. There.", referenceSamples: 72_000 });
    }
  });

  test("without its text is the sound alone", async () => {
    await startIngest();
    const { jobs } = await outcomeOf(await submit([clone(await store(seconds(2)), { x_vector_only_mode: true })]));
    expect(jobs[0]?.headers.referenceText).toBeUndefined();
  });

  test("has its own errors, which name the recording", async () => {
    await startIngest();
    const [text, brief, tooLong] = await Promise.all([
      store(Buffer.from("this is no audio at all, it is text")),
      store(encodeWav(toPcm16(voice(16_000, 1)).subarray(0, 4_000), { sampleRate: 16_000 })),
      store(minutes(40)),
    ]);
    const batchId = await submit([
      clone(text),
      clone(brief),
      clone(tooLong),
      clone("nobody"),
      clone(await store(seconds(1))),
    ]);
    const began = performance.now();
    const codes = ["audio_unsupported", "reference_too_short", "reference_too_long", "file_not_found"];
    for (const [index, code] of codes.entries()) {
      const param = `items.${index}.ref_audio`;
      expect((await outcomeOf(batchId, String(index))).failure?.error, code).toMatchObject({
        code,
        param,
        message: expect.stringMatching(new RegExp(`^${param}: `)),
      });
    }
    expect((await outcomeOf(batchId, "4")).failure).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(60_000);
  });
});
