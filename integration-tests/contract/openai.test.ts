/** OpenAI's own client, as it comes from npm, against the whole pipeline with the models that ship. */
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";
import { wavHeader } from "@parlance/audio";
import { contentTypeOf, type ItemDone, type SpeechFormat, speechFormats, streams } from "@parlance/contracts";
import { connect } from "nats";
import OpenAI, { BadRequestError, toFile } from "openai";
import { Stream } from "openai/streaming";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Clip, demoClips } from "../src/clips.ts";
import { loadDirectEngine } from "../src/direct-engine.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { countErrors } from "../src/word-error-rate.ts";

let pipeline: Pipeline;
let client: OpenAI;
let clips: Clip[];

beforeAll(async () => {
  clips = await demoClips();
  pipeline = await startPipeline();
  client = new OpenAI({ baseURL: `${pipeline.gatewayUrl}/v1`, apiKey: "none is needed here", maxRetries: 0 });
}, 180_000);

afterAll(() => pipeline?.stop(), 60_000);

const TEXT = "The train leaves at seven in the morning. Please bring a book and a warm coat.";
const speak = (more: Partial<OpenAI.Audio.SpeechCreateParams> = {}) =>
  client.audio.speech.create({ model: "gpt-4o-mini-tts", voice: "alloy", input: TEXT, ...more });

/** Sentences that take a while: enough of them that a worker is not done before its caller leaves. */
const LONG = Array.from({ length: 60 }, (_, index) => `Sentence ${index + 1} is about the weather of this week.`).join(
  " ",
);

async function understood(bytes: Uint8Array, name: string): Promise<string> {
  const file = await toFile(bytes, name);
  return (await client.audio.transcriptions.create({ model: "whisper-1", file, language: "en" })).text;
}

function wordErrors(said: string, heard: string): number {
  const { errors, words } = countErrors(said, heard);
  return errors / words;
}

describe("models.list", () => {
  it("names the model that listens and the one that speaks", async () => {
    const names = async () => (await client.models.list()).data.map(({ id }) => id).sort();
    await expect.poll(names, { timeout: 30_000 }).toEqual(["parlance-en", "parlance-voice"]);
    expect(await client.models.retrieve("parlance-voice")).toMatchObject({ object: "model" });
  });
});

describe("audio.transcriptions.create", () => {
  it("transcribes an upload and a file that is read while it is sent", async () => {
    const lights = clips.find(({ name }) => name === "lights.wav");
    if (lights === undefined) throw new Error("there is no clip of the lights");
    const engine = await loadDirectEngine();
    const { text } = await engine.transcribe(lights);
    await engine.close();
    expect(await understood(lights.bytes, "lights.wav")).toBe(text);
    const path = fileURLToPath(new URL("../demo/audio/lights.wav", import.meta.url));
    const streamed = await client.audio.transcriptions.create({ model: "whisper-1", file: createReadStream(path) });
    expect(streamed.text).toBe(text);
  });

  it("takes a prompt for a model that reads none, as the list of models tells", async () => {
    const [clip] = clips;
    if (clip === undefined) throw new Error("there are no clips");
    const ask = { model: "whisper-1", file: await toFile(clip.bytes, clip.name) };
    const { text } = await client.audio.transcriptions.create(ask);
    expect((await client.audio.transcriptions.create({ ...ask, prompt: "Kitchens, lights." })).text).toBe(text);
    expect(await client.models.retrieve("parlance-en")).toMatchObject({ context: false, languages: ["English"] });
  });

  it("answers as text, and with the times of words", async () => {
    const [clip] = clips;
    if (clip === undefined) throw new Error("there are no clips");
    const ask = { model: "whisper-1", file: await toFile(clip.bytes, clip.name) } as const;
    const text = await client.audio.transcriptions.create({ ...ask, response_format: "text" });
    expect(typeof text).toBe("string");
    const verbose = await client.audio.transcriptions.create({
      ...ask,
      response_format: "verbose_json",
      timestamp_granularities: ["word"],
    });
    expect(verbose.words?.map(({ word }) => word).join(" ")).toBe(verbose.text);
    expect(verbose.duration).toBeGreaterThan(1);
  });
});

describe("audio.speech.create", () => {
  const beginnings: Record<SpeechFormat, (bytes: Buffer) => boolean> = {
    wav: (bytes) => bytes.subarray(0, 4).toString() === "RIFF",
    flac: (bytes) => bytes.subarray(0, 4).toString() === "fLaC",
    opus: (bytes) => bytes.subarray(0, 4).toString() === "OggS" && bytes.includes("OpusHead"),
    mp3: (bytes) => bytes[0] === 0xff && ((bytes[1] ?? 0) & 0xe0) === 0xe0,
    pcm: (bytes) => bytes.length % 2 === 0,
  };

  it("as every format is a file of that format, and its words are understood again", async () => {
    // All are spoken before the first is transcribed: the families take turns on the device.
    const files = await Promise.all(
      speechFormats.map(async (format) => {
        const response = await speak({ response_format: format });
        expect(response.headers.get("content-type")).toBe(contentTypeOf[format]);
        return { format, bytes: Buffer.from(await response.arrayBuffer()) };
      }),
    );
    for (const { format, bytes } of files) expect(beginnings[format](bytes), format).toBe(true);
    await Promise.all(
      files.map(async ({ format, bytes }) => {
        const headed = [wavHeader({ sampleRate: 24_000 }, bytes.length), bytes];
        const heard = await (format === "pcm"
          ? understood(Buffer.concat(headed), "speech.wav")
          : understood(bytes, `speech.${format}`));
        console.log(`${format}: ${bytes.length} bytes, understood as "${heard}"`);
        expect(wordErrors(TEXT, heard), format).toBeLessThanOrEqual(0.3);
      }),
    );
  }, 60_000);

  it("as events is the same file in pieces, and its usage", async () => {
    const response = await speak({ stream_format: "sse", response_format: "wav" });
    const events = Stream.fromSSEResponse<SpeechEvent>(response, new AbortController());
    const parts: Buffer[] = [];
    let usage: SpeechEvent["usage"];
    for await (const event of events) {
      if (event.type === "speech.audio.delta") parts.push(Buffer.from(event.audio ?? "", "base64"));
      if (event.type === "speech.audio.done") usage = event.usage;
    }
    expect(parts.length).toBeGreaterThan(2);
    expect(usage?.input_tokens).toBe(TEXT.length);
    const whole = Buffer.from(await (await speak({ response_format: "wav" })).arrayBuffer());
    expect(Buffer.concat(parts)).toEqual(whole);
  });

  it("speaks faster and slower, as it was asked to", async () => {
    const seconds = async (speed: number) =>
      (await (await speak({ response_format: "pcm", speed })).arrayBuffer()).byteLength / 48_000;
    const [slow, normal, fast] = await Promise.all([seconds(0.5), seconds(1), seconds(2)]);
    expect(slow / normal).toBeGreaterThan(1.5);
    expect(fast / normal).toBeLessThan(0.75);
  });

  it("names the voices that there are, and speaks with one of them", async () => {
    const { voices } = (await client.get("/audio/voices")) as { voices: { id: string; default: boolean }[] };
    const chosen = voices.find((voice) => voice.default);
    expect(chosen).toBeDefined();
    const bytes = Buffer.from(
      await (await speak({ voice: { id: chosen?.id ?? "" }, response_format: "wav" })).arrayBuffer(),
    );
    const alloy = Buffer.from(await (await speak({ response_format: "wav" })).arrayBuffer());
    expect(bytes).toEqual(alloy);
  });

  it("sound arrives while the rest is still being spoken; a client that leaves cancels it and nothing goes on", async () => {
    const nats = await connect({ servers: pipeline.natsUrl });
    const done: ItemDone[] = [];
    const events = nats.subscribe("speech.done.>", {
      callback: (_, message) => void done.push(message.json<ItemDone>()),
    });
    await nats.flush();
    const leaving = new AbortController();
    const response = await client.audio.speech.create(
      { model: "tts-1", voice: "alloy", input: LONG, response_format: "pcm" },
      { signal: leaving.signal },
    );
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(first?.value?.length).toBeGreaterThan(0);
    // Of what was spoken before, an event may still come; all of this text takes minutes to say.
    expect(done.filter(({ audioSeconds = 0 }) => audioSeconds > 60)).toEqual([]);
    leaving.abort();

    await expect.poll(() => done.flatMap(({ error }) => error?.code ?? []), { timeout: 15_000 }).toEqual(["cancelled"]);
    const metrics = async () => await (await fetch(`${pipeline.gatewayUrl}/metrics`)).text();
    await expect.poll(metrics).toContain('parlance_waiting_requests{service="gateway"} 0');
    const jobsLeft = async () => {
      const { user, password } = pipeline.credentials("monitor");
      const monitor = await connect({ servers: pipeline.natsUrl, user, pass: password, inboxPrefix: "_INBOX_monitor" });
      const state = await monitor.request(`$JS.SPEECH.API.CONSUMER.INFO.${streams.jobs}.custom_voice-interactive`);
      await monitor.close();
      const { num_pending, num_ack_pending } = state.json<{ num_pending: number; num_ack_pending: number }>();
      return num_pending + num_ack_pending;
    };
    await expect.poll(jobsLeft, { timeout: 15_000 }).toBe(0);
    events.unsubscribe();
    await nats.close();
    expect((await speak()).status).toBe(200);
  });
});

interface SpeechEvent {
  type: string;
  audio?: string;
  usage?: { input_tokens: number; output_tokens: number; total_tokens: number };
}

describe("errors are the client's own classes, with code and param", () => {
  const failing = async (more: object): Promise<unknown> => {
    try {
      await speak(more);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it.each<[string, object, string, string]>([
    ["no text", { input: "" }, "text_empty", "input"],
    ["5,000 characters", { input: "word ".repeat(1_000) }, "text_too_long", "input"],
    ["only emoji", { input: "\u{1f600}" }, "text_unspeakable", "input"],
    ["control characters", { input: "a\u0000b" }, "text_unspeakable", "input"],
    ["aac", { response_format: "aac" }, "format_unsupported", "response_format"],
    ["an unknown voice", { voice: randomUUID() }, "voice_unknown", "voice"],
    ["instructions", { instructions: "Whisper." }, "instructions_unsupported", "instructions"],
    ["a speed", { speed: 9 }, "validation_failed", "speed"],
  ])("%s", async (_name, more, code, param) => {
    const error = await failing(more);
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error).toMatchObject({ code, param, requestID: expect.any(String) });
  });
});
