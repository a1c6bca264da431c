/** The service in this process, with the NATS user that it runs as, and an engine process whose model is a tone. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, connectBus } from "@parlance/bus";
import {
  buckets,
  headerNames,
  type Lane,
  type Operation,
  readHeaders,
  readSettings,
  type SegmentResult,
  type StoredVoice,
  seedOf,
  segmentFileId,
  segmentResultSchema,
  soundHeadersSchema,
  streams,
  subjects,
  voiceEntries,
  voiceIdOf,
  workerStateSchema,
} from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { createLog } from "@parlance/telemetry";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { TONE_RATE, toneManifest, toneOf } from "./testing/tone-engine.ts";
import { createTtsWorker, type TtsWorker, ttsWorkerSettings } from "./tts-worker.ts";

const engineEntry = new URL("./testing/tone-engine.ts", import.meta.url);

// A machine that is busy with other things speaks slowly.
vi.setConfig({ testTimeout: 120_000 });

/** Folders of models that can do one thing each. */
const kinds = { speaker: "custom_voice", designer: "voice_design", cloner: "voice_clone" } as const;

let server: TestServer;
let bus: Bus;
let folder: string;
let batch = 0;
const cleanup: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startTestServer({ secured: true, settings: { LEASE_TTL: 5 } });
  bus = await connectBus({ name: "test", ...server.as() });
  folder = await mkdtemp(join(tmpdir(), "parlance-tone-"));
  await writeFile(join(folder, "manifest.json"), JSON.stringify(toneManifest));
  for (const [name, operation] of Object.entries(kinds)) {
    const tts = { ...toneManifest.tts, operations: [operation] };
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "manifest.json"), JSON.stringify({ ...toneManifest, name, tts }));
  }
});
afterEach(async () => {
  for (const close of cleanup.splice(0)) await close();
  batch += 1;
});
afterAll(async () => {
  await bus.close();
  await server.stop();
  await rm(folder, { recursive: true });
});

async function start(environment: Record<string, string> = {}): Promise<TtsWorker> {
  const own = await connectBus({ name: "tts-worker", ...server.as("tts-worker") });
  const settings = readSettings(ttsWorkerSettings, {
    TTS_MODEL_ID: folder,
    TTS_DEVICE: "cpu",
    LEASE_TTL: "5",
    ...environment,
  });
  const worker = await createTtsWorker({ bus: own, settings, log: createLog("tts-worker", "silent"), engineEntry });
  cleanup.push(async () => {
    await worker.close();
    await own.close();
  });
  return worker;
}

/** Processes of the tone that this one started. */
function engines(): number[] {
  return readdirSync("/proc").flatMap((entry) => {
    try {
      const isTone = /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, "utf8").includes("tone-engine.ts");
      const parent = isTone
        ? readFileSync(`/proc/${entry}/stat`, "utf8")
            .replace(/^.*\) /s, "")
            .split(" ")[1]
        : "";
      return Number(parent) === process.pid ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

interface Text {
  text: string;
  item?: string;
  n?: number;
  operation?: Operation;
  lane?: Lane;
  headers?: [string, string][];
}

async function publish({ text, item = "0", n = 0, operation = "custom_voice", lane = "batch", ...more }: Text) {
  const { headers = [] } = more;
  await bus.publishOnce(subjects.job(operation, lane, `b${batch}`, item, n), text, {
    headers: [[headerNames.submittedAt, String(Date.now())], [headerNames.last, "true"], ...headers],
  });
}

/** A recording to imitate, as ingest keeps it. */
async function keep(samples: Int16Array): Promise<string> {
  const bytes = new Uint8Array(samples.buffer);
  const id = createHash("sha256").update(bytes).digest("hex");
  const file = { id, contentType: "audio/pcm", filename: id, maxBytes: bytes.length };
  await (await bus.files(buckets.references)).put(
    file,
    (async function* () {
      yield bytes;
    })(),
  );
  return id;
}

async function result(item = "0", n = 0): Promise<SegmentResult> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await bus.last(streams.results, subjects.result(`b${batch}`, item, n));
    if (found !== undefined) return segmentResultSchema.parse(JSON.parse(Buffer.from(found.data).toString()));
    if (Date.now() > deadline) throw new Error("no result");
    await pause(10);
  }
}

async function soundOf(found: SegmentResult): Promise<Int16Array> {
  if (found.outcome !== "spoken") throw new Error(JSON.stringify(found));
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await (await bus.files(buckets.files)).read(found.audio))?.content ?? [])
    chunks.push(chunk);
  return new Int16Array(new Uint8Array(Buffer.concat(chunks)).buffer);
}

describe("a tts-worker", () => {
  test("says a text and stores its sound before the result that names it", async () => {
    await start();
    await publish({
      text: "Good morning.",
      headers: [
        [headerNames.speed, "2"],
        [headerNames.pauseMs, "350"],
        [headerNames.format, "opus"],
        [headerNames.customId, "mine"],
      ],
    });
    const found = await result();
    const sound = toneOf("Good morning.", 2);
    expect(found).toMatchObject({
      operation: "custom_voice",
      outcome: "spoken",
      audio: segmentFileId(`b${batch}`, "0", 0),
      sampleRate: TONE_RATE,
      samples: sound.length,
      pauseMs: 350,
      format: "opus",
      model: "tone",
      last: true,
      customId: "mine",
      truncated: false,
    });
    expect(await soundOf(found)).toEqual(sound);
  });

  test("gives a clone its reference, and tells by what seed it spoke", async () => {
    const id = await keep(new Int16Array(12_000).fill(5));
    await start();
    const headers: [string, string][] = [
      [headerNames.reference, id],
      [headerNames.referenceText, "Hello."],
      [headerNames.seed, "4294967295"],
    ];
    await publish({ text: "It is me.", operation: "voice_clone", headers });
    await publish({ text: "It is me again.", item: "1", operation: "voice_clone", headers: headers.slice(0, 2) });
    const found = await result();
    expect(found).toMatchObject({ outcome: "spoken", seed: 4_294_967_295 });
    expect(await soundOf(found)).toEqual(toneOf("It is me.", 1, 12_000));
    const again = await result("1");
    expect(again).toMatchObject({ seed: seedOf(`b${batch}`, "1") });
    expect(await soundOf(again)).toEqual(toneOf("It is me again.", 1, 12_000));
  });

  test("a stored voice that was deleted while its jobs waited speaks no more, nor does one of its name that was made since", async () => {
    const voices = bus.bucket(voiceEntries);
    const [reference, other] = [await keep(new Int16Array(800).fill(1)), await keep(new Int16Array(900).fill(2))];
    const stored = (name: string): StoredVoice => ({
      ...{ id: voiceIdOf(name), name, createdAt: 1, reference, seconds: 1, referenceText: "", language: "auto" },
    });
    for (const name of ["there", "deleted", "another"]) await voices.put(voiceIdOf(name), stored(name));
    for (const name of ["there", "deleted", "another"]) {
      const headers: [string, string][] = [
        [headerNames.reference, reference],
        [headerNames.voice, voiceIdOf(name)],
      ];
      await publish({ text: "Hi.", item: name, operation: "voice_clone", headers });
    }
    await voices.delete(voiceIdOf("deleted"));
    await voices.put(voiceIdOf("another"), { ...stored("another"), reference: other });
    await start();
    expect(await soundOf(await result("there"))).toEqual(toneOf("Hi.", 1, 800));
    for (const name of ["deleted", "another"]) {
      expect(await result(name)).toMatchObject({
        outcome: "failed",
        operation: "voice_clone",
        error: { code: "voice_deleted", param: "voice", message: expect.stringContaining(voiceIdOf(name)) },
      });
    }
    // What its maker has done is nobody's fault.
    expect(await bus.last(streams.dead, `speech.dead.tts-worker.b${batch}.>`)).toBeUndefined();
    await expect
      .poll(async () => await bus.consumerState(streams.jobs, "voice_clone-batch"))
      .toMatchObject({
        pending: 0,
        ackPending: 0,
      });
  });

  test("a clone of what is no longer kept, or of nothing, is its own item's failure", async () => {
    await publish({
      text: "Gone.",
      item: "gone",
      operation: "voice_clone",
      headers: [[headerNames.reference, "0f".repeat(32)]],
    });
    await publish({ text: "Of whom?", item: "nobody", operation: "voice_clone" });
    await start();
    expect(await result("gone")).toMatchObject({ outcome: "failed", error: { code: "reference_gone" } });
    expect(await result("nobody")).toMatchObject({ outcome: "failed", error: { code: "job_invalid" } });
  });

  test("runs texts that wait in one pass", async () => {
    const texts = Array.from({ length: 16 }, (_, index) => ({ text: `Text ${index}.`, item: String(index) }));
    await Promise.all(texts.map(publish));
    await start();
    const found = await Promise.all(texts.map(({ item }) => result(item)));
    expect(found.map((each) => each.outcome === "spoken" && each.passSize)).toEqual(texts.map(() => 16));
  });

  test("tells what its model can do before it is loaded", async () => {
    const worker = await start();
    const [answer] = await bus.requestMany(subjects.workers, "", 200);
    const state = workerStateSchema.parse(JSON.parse(Buffer.from(answer ?? "").toString()));
    expect(state.worker).toBe(worker.state().worker);
    expect(state).toMatchObject({
      family: "tts",
      model: "tone",
      loaded: false,
      operations: ["custom_voice", "voice_clone"],
      languages: ["English"],
      voices: [{ id: "slt" }],
      defaultVoice: "slt",
      instructions: false,
    });
  });

  test("speaks with the models of several folders in turns, one engine at a time, each with what it can do", async () => {
    const folders = Object.keys(kinds).map((name) => join(folder, name));
    const worker = await start({ TTS_MODEL_ID: folders.join(", ") });
    expect(worker.state()).toMatchObject({
      operations: Object.values(kinds),
      models: Object.entries(kinds).map(([model, operation]) => ({ model, operations: [operation], loaded: false })),
    });
    const texts = Array.from({ length: 12 }, (_, n) => ({ text: `Text ${n}.`, item: String(n) }));
    const reference: [string, string] = [headerNames.reference, await keep(new Int16Array(12_000).fill(5))];
    for (const [n, each] of texts.entries()) {
      const operation = Object.values(kinds)[n % 3] ?? "custom_voice";
      await publish({ ...each, operation, headers: operation === "voice_clone" ? [reference] : [] });
    }
    for (const [n, { item }] of texts.entries()) {
      expect(await result(item)).toMatchObject({ outcome: "spoken", model: Object.keys(kinds)[n % 3] });
      expect(engines().length).toBeLessThanOrEqual(1);
    }
    // A turn of each, and another one at most of what came while one of them was at work.
    expect(worker.state().swaps?.count).toBeGreaterThanOrEqual(3);
    expect(worker.state().swaps?.count).toBeLessThanOrEqual(6);
  });

  test("two models that do the same are refused, with the setting's name", async () => {
    const twice = [folder, join(folder, "cloner")].join(",");
    await expect(start({ TTS_MODEL_ID: twice })).rejects.toMatchObject({
      param: "TTS_MODEL_ID",
      message: expect.stringContaining("cloner can do nothing that tone cannot (voice_clone)"),
    });
  });

  test("an unknown voice is its own item's failure, and the rest of the pass is spoken", async () => {
    await Promise.all([
      publish({ text: "Who?", item: "bad", headers: [[headerNames.voice, "nobody"]] }),
      publish({ text: "Me.", item: "good" }),
    ]);
    await start();
    expect(await result("bad")).toMatchObject({
      outcome: "failed",
      operation: "custom_voice",
      error: { code: "voice_unknown" },
    });
    expect(await result("good")).toMatchObject({ outcome: "spoken" });
  });

  test("a job of an operation that its model cannot do is left to another worker", async () => {
    await publish({ text: "Later.", item: "other", operation: "voice_design" });
    await start();
    await publish({ text: "Now." });
    await result();
    expect(await bus.consumerState(streams.jobs, "voice_design-batch")).toMatchObject({ pending: 1, ackPending: 0 });
  });

  test("a text that kills its engine twice is a dead letter, its neighbour is spoken", async () => {
    await Promise.all([publish({ text: "Please die.", item: "bad" }), publish({ text: "Live.", item: "good" })]);
    await start();
    expect(await soundOf(await result("good"))).toEqual(toneOf("Live."));
    expect(await result("bad")).toMatchObject({ outcome: "failed", error: { code: "engine_failed" } });
  });

  test("a sound that is stored already stays, and the result says how long it is", async () => {
    const files = await bus.files(buckets.files);
    const id = segmentFileId(`b${batch}`, "0", 0);
    await files.put(
      { id, contentType: "audio/pcm", filename: id, maxBytes: 100 },
      (async function* () {
        yield new Uint8Array(Int16Array.of(9, 9, 9).buffer);
      })(),
    );
    await start();
    await publish({ text: "Once more." });
    const found = await result();
    expect(found).toMatchObject({ outcome: "spoken", samples: 3 });
    expect(await soundOf(found)).toEqual(Int16Array.of(9, 9, 9));
  });

  test("tells its sound to who asked for parts while it is made; an engine that dies midway tells it again, and it is what is stored", async () => {
    const listening = new AbortController();
    const heard: { position: number; sound: Int16Array; samples: number | undefined }[] = [];
    const messages = bus.subscribe(subjects.itemSound(`b${batch}`, "0"), listening.signal);
    void (async () => {
      for await (const { headers, data } of messages) {
        const { position, samples } = readHeaders(soundHeadersSchema, headers);
        heard.push({ position, sound: new Int16Array(Uint8Array.from(data).buffer), samples });
      }
    })();
    await bus.flush();
    await start();
    const parts: [string, string] = [headerNames.parts, "true"];
    await publish({ text: "This is said slowly, bit by bit.", headers: [parts] });
    await publish({ text: "This is told to nobody, slowly.", item: "1" });
    await expect.poll(() => heard.length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(2);
    const before = heard.length;
    for (const pid of engines()) process.kill(pid, "SIGKILL");
    const stored = await soundOf(await result());
    await expect.poll(() => heard.at(-1)?.samples).toBe(stored.length);
    expect(stored).toEqual(toneOf("This is said slowly, bit by bit."));
    expect(heard.slice(before).some(({ position }) => position === 0)).toBe(true);
    // As whoever reads it goes on: what he has is passed over.
    const read: number[] = [];
    for (const { position, sound } of heard) {
      expect(position).toBeLessThanOrEqual(read.length);
      read.push(...sound.subarray(Math.min(sound.length, read.length - position)));
    }
    expect(Int16Array.from(read)).toEqual(stored);
    await result("1");
    listening.abort();
  });

  test("a model that does not speak is refused with the setting's name", async () => {
    await expect(start({ TTS_MODEL_ID: "parlance-en" })).rejects.toMatchObject({ param: "TTS_MODEL_ID" });
  });
});
