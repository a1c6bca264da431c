/** Transcripts that are told while they are made, by OpenAI's own client, against the whole pipeline. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSmallModel } from "@parlance/asr/testing";
import { encodeAudio } from "@parlance/audio/encode";
import { type Bus, connectBus } from "@parlance/bus";
import { durables, itemDoneSchema, SAMPLE_RATE, streams, subjects } from "@parlance/contracts";
import { thorough } from "@parlance/contracts/testing";
import { readExposition } from "@parlance/telemetry/testing";
import OpenAI, { APIError, toFile } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Clip, exactSamples, longClip } from "../src/clips.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { engineProcesses } from "../src/process-table.ts";
import { countErrors } from "../src/word-error-rate.ts";

type TextEvent = OpenAI.Audio.Transcriptions.TranscriptionStreamEvent;

const SECONDS = 600;
/** Of what ends before it is read to its end, or is there for its kind. */
const SOME_SECONDS = 200;
let long: Clip;
let some: Clip;
let folder: string;
beforeAll(async () => {
  long = await longClip(SECONDS);
  some = await longClip(SOME_SECONDS);
  folder = mkdtempSync(join(tmpdir(), "parlance-streaming-"));
  await writeSmallModel("qwen3-asr", folder);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** With the embedded recogniser, which decodes a segment in one go, and with one that decodes step by step. */
describe.each(["parlance-en", "a small Qwen3-ASR of random weights"])("%s", (model) => {
  let pipeline: Pipeline;
  let client: OpenAI;
  let bus: Bus;
  beforeAll(async () => {
    const chosen: Record<string, string> =
      model === "parlance-en" ? {} : { MODEL_ID: folder, MODEL_HUB: "off", PROCESSES: "one" };
    pipeline = await startPipeline({ METRICS_PORT: "0", ...chosen });
    client = new OpenAI({ baseURL: `${pipeline.gatewayUrl}/v1`, apiKey: "none is needed here", maxRetries: 0 });
    const { user, password } = pipeline.credentials("gateway");
    bus = await connectBus({ name: "gateway", url: pipeline.natsUrl, user, password });
  }, 180_000);
  afterAll(async () => {
    await bus?.close();
    await pipeline?.stop();
  }, 60_000);

  // Of random weights no model finds the language, and before it has one it tells no parts.
  const ask = async (clip = long) => ({
    model: "whisper-1",
    language: "en",
    file: await toFile(clip.bytes, clip.name),
  });

  async function metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    const page = await (await fetch(pipeline.processes().metricsUrl ?? "")).text();
    return readExposition(page)
      .filter(
        (each) => each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
      )
      .reduce((sum, { value }) => sum + value, 0);
  }

  it("is told in deltas that are its text, and ends once", { timeout: 240_000 }, async () => {
    // Loaded by then.
    await client.audio.transcriptions.create(await ask(await longClip(5)));
    const told = model === "parlance-en" || thorough ? long : some;
    const began = performance.now();
    const events: (TextEvent & { at: number })[] = [];
    for await (const event of await client.audio.transcriptions.create({ ...(await ask(told)), stream: true })) {
      events.push({ ...event, at: performance.now() - began });
    }
    const deltas = events.flatMap((event) => (event.type === "transcript.text.delta" ? [event.delta] : []));
    const [done, ...more] = events.filter((event) => event.type === "transcript.text.done");
    expect(more).toEqual([]);
    expect(events.at(-1)?.type).toBe("transcript.text.done");
    // Not by a matcher: what it would print is a book.
    expect(deltas.join("") === done?.text).toBe(true);
    expect(deltas.length).toBeGreaterThan(3);
    const seconds = (event: { at: number } | undefined) => ((event?.at ?? 0) / 1_000).toFixed(2);
    console.log(`first text after ${seconds(events[0])} s of ${seconds(events.at(-1))} s, ${deltas.length} deltas`);
    if (model !== "parlance-en") return;
    const { errors, words } = countErrors(told.text, done?.text ?? "");
    expect(errors / words).toBeLessThan(0.1);
  });

  it("a client that leaves after the first delta stops its rows in the running pass", {
    timeout: 120_000,
  }, async () => {
    const listening = new AbortController();
    const heard: { kind: string; batchId: string; at: number }[] = [];
    const listeners = [subjects.itemParts("*", "*"), subjects.itemResults("*", "*")].map(async (subject) => {
      for await (const message of bus.subscribe(subject, listening.signal)) {
        const [, kind = "", batchId = ""] = message.subject.split(".");
        heard.push({ kind, batchId, at: performance.now() });
      }
    });
    await bus.flush();
    const stream = await client.audio.transcriptions.create({ ...(await ask()), stream: true });
    for await (const _ of stream) break;
    const left = performance.now();
    const after = () => Math.round(performance.now() - left);
    // The gateway may hear of it sooner than this test.
    await expect.poll(() => heard.length, { timeout: 30_000, interval: 1 }).toBeGreaterThan(0);
    const batchId = heard[0]?.batchId ?? "";
    const conclusion = () => bus.last(streams.results, subjects.done(batchId, "0"));
    await expect.poll(conclusion, { timeout: 30_000, interval: 10 }).toBeDefined();
    const done = itemDoneSchema.parse(JSON.parse(Buffer.from((await conclusion())?.data ?? []).toString()));
    expect(done.status).toBe("cancelled");
    const jobsLeft = async () => {
      const { pending, ackPending } = await bus.consumerState(
        streams.jobs,
        durables.worker("transcribe", "interactive"),
      );
      return pending + ackPending;
    };
    await expect.poll(jobsLeft, { timeout: 30_000, interval: 10 }).toBe(0);
    const stoppedMs = after();
    const dropped = await metric("parlance_segments_total", { service: "transcribe-worker", outcome: "cancelled" });
    // Nothing of it is in the way of the next one.
    const next = await longClip(5);
    const began = performance.now();
    await client.audio.transcriptions.create(await ask(next));
    const nextMs = Math.round(performance.now() - began);
    const late = heard.filter((each) => each.batchId === batchId && each.at > left);
    const ended = heard.filter((each) => each.batchId === batchId && each.kind === "result").length;
    const lastMs = Math.round((late.at(-1)?.at ?? left) - left);
    console.log(
      `all rows and jobs were gone ${stoppedMs} ms after it left: ${ended} segments ended, ${dropped} were dropped; ` +
        `${late.length} parts and results came later, the last ${lastMs} ms; the next audio took ${nextMs} ms`,
    );
    expect(ended).toBeLessThan(SECONDS / 30);
    await expect.poll(() => metric("parlance_transcript_streams")).toBe(0);
    expect(await metric("parlance_waiting_requests")).toBe(0);
    listening.abort();
    await Promise.all(listeners);
  });

  it("a text whose engine dies while it is told is whole", { timeout: 240_000 }, async () => {
    const engineOf = () => engineProcesses(pipeline).find(({ worker }) => worker === "transcribe-worker")?.pid ?? 0;
    let told = "";
    let whole: string | undefined;
    let killed: number | undefined;
    for await (const event of await client.audio.transcriptions.create({ ...(await ask(some)), stream: true })) {
      if (event.type === "transcript.text.done") whole = event.text;
      if (event.type !== "transcript.text.delta") continue;
      told += event.delta;
      if (killed !== undefined) continue;
      killed = engineOf();
      expect(killed).toBeGreaterThan(0);
      process.kill(killed, "SIGKILL");
    }
    expect(killed).toBeDefined();
    expect(told === whole).toBe(true);
    expect(engineOf()).not.toBe(killed);
  });

  it("a file that turns bad in its middle throws what it is, after what was told by then", {
    timeout: 120_000,
  }, async () => {
    const samples = await exactSamples(SOME_SECONDS);
    const encoder = await encodeAudio("flac", { sampleRate: SAMPLE_RATE });
    const whole = Buffer.concat([encoder.push(samples), encoder.end()]);
    encoder.close();
    const bytes = whole.fill(0x55, Math.round(whole.length * 0.7));
    const events: TextEvent[] = [];
    const reading = async () => {
      const clip = { ...long, name: "bad.flac", bytes };
      for await (const event of await client.audio.transcriptions.create({ ...(await ask(clip)), stream: true })) {
        events.push(event);
      }
    };
    const error = await reading().catch((thrown: unknown) => thrown);
    console.log(`it turned bad after ${events.length} deltas`);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: expect.stringMatching(/^audio_/), param: "file" });
    expect(events.every((event) => event.type === "transcript.text.delta")).toBe(true);
  });

  it("a file that is no audio throws what it is", async () => {
    const broken = toFile(new Uint8Array(50_000).fill(7), "broken.wav");
    const reading = async () => {
      const stream = await client.audio.transcriptions.create({ model: "whisper-1", file: await broken, stream: true });
      for await (const event of stream) expect(event).toBeUndefined();
    };
    const error = await reading().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ code: expect.stringMatching(/^audio_/), param: "file" });
  });
});
