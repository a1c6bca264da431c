/** From text to sound through the whole pipeline, with the voice that ships with the repository. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  audioFileId,
  contentTypeOf,
  headerNames,
  type ItemDone,
  type SpeechFormat,
  speechFormats,
  subjects,
  type Transcript,
} from "@parlance/contracts";
import { connect, headers as natsHeaders } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoClips } from "../src/clips.ts";
import { dropText } from "../src/drop-text.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { createRestClient, type RestClient } from "../src/rest-client.ts";
import { countErrors } from "../src/word-error-rate.ts";

const RATE = 16_000;
let pipeline: Pipeline;
let client: RestClient;

beforeAll(async () => {
  pipeline = await startPipeline();
  client = createRestClient(() => pipeline.gatewayUrl);
  await untilVoicesAreKnown();
}, 180_000);

afterAll(() => pipeline?.stop(), 60_000);

/** A submission is checked against what the workers say, once one of them has answered. */
async function untilVoicesAreKnown(): Promise<void> {
  for (;;) {
    const response = await fetch(`${pipeline.gatewayUrl}/v1/audio/voices`);
    if (response.ok && (await response.text()).includes('"slt"')) return;
    await new Promise((again) => setTimeout(again, 200));
  }
}

async function submit(items: object[]): Promise<{ status: number; body: { batch_id: string; error?: object } }> {
  const response = await fetch(`${pipeline.gatewayUrl}/api/v1/queue/submit`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ items }),
  });
  return { status: response.status, body: (await response.json()) as { batch_id: string } };
}

async function finished(batchId: string) {
  for (;;) {
    const status = await client.status(batchId);
    if (status.completed + status.failed === status.total) return status;
    await new Promise((again) => setTimeout(again, 100));
  }
}

async function fetchFile(path: string | null | undefined): Promise<{ type: string | null; bytes: Buffer }> {
  const response = await fetch(`${pipeline.gatewayUrl}${path}`);
  expect(response.status).toBe(200);
  return { type: response.headers.get("content-type"), bytes: Buffer.from(await response.arrayBuffer()) };
}

/** The samples of a WAV whose header is 44 bytes long and says how many there are. */
function samplesOf(wav: Buffer): Int16Array {
  expect(wav.subarray(0, 4).toString()).toBe("RIFF");
  expect(wav.readUInt32LE(24)).toBe(RATE);
  expect(wav.readUInt32LE(40)).toBe(wav.length - 44);
  return new Int16Array(new Uint8Array(wav.subarray(44)).buffer);
}

function expectSpeech(samples: Int16Array, seconds: { least: number; most: number }): void {
  expect(samples.length / RATE).toBeGreaterThan(seconds.least);
  expect(samples.length / RATE).toBeLessThan(seconds.most);
  const loud = samples.filter((sample) => Math.abs(sample) > 500).length;
  expect(loud / samples.length).toBeGreaterThan(0.1);
}

const drop = (text: string, fields?: Record<string, string>) => dropText(pipeline.natsUrl, text, fields);

/** Over a socket, each piece a message of its own; resolves at the end of it all. */
async function speakLive(pieces: readonly string[]) {
  const socket = new WebSocket(`${pipeline.gatewayUrl.replace("http", "ws")}/ws/speak?format=wav`);
  socket.binaryType = "arraybuffer";
  const told: Record<string, unknown>[] = [];
  const sound: Buffer[] = [];
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") told.push(JSON.parse(data));
    else sound.push(Buffer.from(data));
  });
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  for (const text of pieces) socket.send(JSON.stringify({ type: "text", text }));
  socket.send(JSON.stringify({ type: "close" }));
  const { code } = await closed;
  return { told, sound: Buffer.concat(sound), whole: code === 1_000 && told.at(-1)?.type === "done" };
}

const sentences = "The quick brown fox jumps over the lazy dog. It does so every morning at eight.";

describe("from text to sound", () => {
  it("a submitted text becomes a WAV file, a sentence after the other with silence between", async () => {
    const item = { operation: "custom_voice", text: sentences, voice: "slt", custom_id: "fox", seed: 7 };
    const { body } = await submit([item]);
    const { items } = await finished(body.batch_id);
    expect(items[0]).toMatchObject({ status: "done", custom_id: "fox", error: null, seed: 7 });
    expect(items[0]?.url).toBe(
      `/api/v1/files/${audioFileId("custom_voice", body.batch_id, items[0]?.item_id ?? "", "wav")}`,
    );
    const { type, bytes } = await fetchFile(items[0]?.url);
    expect(type).toBe("audio/wav");
    expectSpeech(samplesOf(bytes), { least: 3, most: 12 });
  }, 60_000);

  it("a text dropped on a subject by a client without a password is answered on another", async () => {
    const event = await drop(sentences, { [headerNames.voice]: "slt", [headerNames.customId]: "mine" });
    expect(event).toMatchObject({ itemId: "0", customId: "mine", operation: "custom_voice", status: "done" });
    expect(event.seed).toEqual(expect.any(Number));
    const { bytes } = await fetchFile(`/api/v1/files/${event.audio?.file}`);
    const samples = samplesOf(bytes);
    expectSpeech(samples, { least: 3, most: 12 });
    expect(event.audio).toMatchObject({ contentType: "audio/wav", sampleRate: RATE });
    expect(event.audio?.seconds).toBeCloseTo(samples.length / RATE, 2);
  }, 60_000);

  it("audio and text go in one submission, each to its own worker, one family after the other", async () => {
    const [clip] = await demoClips();
    if (clip === undefined) throw new Error("there are no clips");
    const file = await client.upload(clip.bytes, clip.name, clip.type);
    const { body } = await submit([
      { operation: "transcribe", ref_audio: file, text: "" },
      { operation: "custom_voice", text: "Good morning." },
      { operation: "transcribe", ref_audio: file, text: "" },
      { operation: "custom_voice", text: "Good evening.", speed: 2, response_format: "flac" },
    ]);
    const { items, status } = await finished(body.batch_id);
    expect(status).toBe("completed");
    for (const index of [0, 2]) {
      const { text } = await client.json<Transcript>(items[index]?.url ?? "");
      expect(countErrors(clip.text, text).errors).toBeLessThanOrEqual(3);
    }
    expectSpeech(samplesOf((await fetchFile(items[1]?.url)).bytes), { least: 0.4, most: 3 });
    expect((await fetchFile(items[3]?.url)).bytes.subarray(0, 4).toString()).toBe("fLaC");
  }, 90_000);

  it("every format is served as what it is, and is heard as what was said", async () => {
    const said = "Please turn on the lights in the kitchen and close the window.";
    const spoken = await submit(
      speechFormats.map((format) => ({ operation: "custom_voice", text: said, response_format: format })),
    );
    const { items } = await finished(spoken.body.batch_id);
    const lengths: Partial<Record<SpeechFormat, number>> = {};
    const heard = new Map<SpeechFormat, string>();
    for (const [index, format] of speechFormats.entries()) {
      const { type, bytes } = await fetchFile(items[index]?.url);
      expect(type, format).toBe(contentTypeOf[format]);
      lengths[format] = bytes.length;
      // Headerless samples are no file that anybody could tell.
      if (format !== "pcm") heard.set(format, await client.upload(bytes, `a.${format}`, contentTypeOf[format]));
    }
    expect(lengths.pcm).toBeCloseTo((((lengths.wav ?? 0) - 44) * 24) / 16, -2);
    const back = await submit(
      [...heard.values()].map((file) => ({ operation: "transcribe", ref_audio: file, text: "" })),
    );
    const transcripts = (await finished(back.body.batch_id)).items;
    for (const [index, format] of [...heard.keys()].entries()) {
      const { text } = await client.json<Transcript>(transcripts[index]?.url ?? "");
      expect(countErrors(said, text).errors, `${format}: ${text}`).toBeLessThanOrEqual(3);
    }
  }, 120_000);

  it("the same text is the same sound, whatever it is spoken beside", async () => {
    const text = "The rain in Spain stays mainly in the plain.";
    const alone = await drop(text);
    const { body } = await submit([
      { operation: "custom_voice", text },
      { operation: "custom_voice", text: sentences },
    ]);
    const { items } = await finished(body.batch_id);
    const [a, b] = await Promise.all([fetchFile(`/api/v1/files/${alone.audio?.file}`), fetchFile(items[0]?.url)]);
    expect(Math.abs(a.bytes.length - b.bytes.length)).toBeLessThan(RATE / 10);
  }, 60_000);

  it("a text that is written word by word is spoken as its sentences complete, and is the sound of the whole text", async () => {
    const text = "The train to the coast was late again. Nobody minded, for it was warm.\n\nThen it came.";
    const { told, sound, whole } = await speakLive(text.match(/\S+\s*/g) ?? []);
    expect(told.filter(({ type }) => type === "sentence").map((message) => message.text)).toEqual([
      "The train to the coast was late again.",
      "Nobody minded, for it was warm.",
      "Then it came.",
    ]);
    expect(whole).toBe(true);
    const file = await fetch(`${pipeline.gatewayUrl}/v1/audio/speech`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input: text, response_format: "wav" }),
    });
    expect(sound.equals(Buffer.from(await file.arrayBuffer()))).toBe(true);
    expectSpeech(new Int16Array(Uint8Array.from(sound.subarray(44)).buffer), { least: 4, most: 15 });
  }, 60_000);

  it("who drops a text and asks for parts hears all of its sound before its end is told", async () => {
    const nats = await connect({ servers: pipeline.natsUrl });
    try {
      const batchId = randomUUID();
      const parts: { n: number; data: Uint8Array; samples: string; last: boolean }[] = [];
      nats.subscribe(subjects.itemSound(batchId, "0"), {
        callback(_, { subject, headers, data }) {
          const n = Number(subject.split(".")[4]);
          const last = headers?.get(headerNames.last) === "true";
          parts.push({ n, data, samples: headers?.get(headerNames.samples) ?? "", last });
        },
      });
      const done = nats.subscribe(subjects.done(batchId, "0"), { max: 1 });
      await nats.flush();
      const asked = natsHeaders();
      asked.set(headerNames.contentType, "text/plain");
      asked.set(headerNames.parts, "true");
      nats.publish(subjects.intake("test", batchId), sentences, { headers: asked });
      let file: string | undefined;
      for await (const message of done) file = message.json<ItemDone>().audio?.file;
      const samples = samplesOf((await fetchFile(`/api/v1/files/${file}`)).bytes);
      for (const n of [0, 1]) {
        const own = parts.filter((part) => part.n === n);
        const told = Buffer.concat(own.map(({ data }) => data));
        expect(Number(own.at(-1)?.samples)).toBe(told.length / 2);
        expect(own.at(-1)?.last).toBe(n === 1);
        const at = n === 0 ? 0 : samples.length - told.length / 2;
        expect(told.equals(Buffer.from(samples.slice(at, at + told.length / 2).buffer))).toBe(true);
      }
    } finally {
      await nats.close();
    }
  }, 60_000);

  it("a finished batch is spoken again from the stream", async () => {
    const { body } = await submit([{ operation: "custom_voice", text: sentences, response_format: "flac" }]);
    await finished(body.batch_id);
    const replay = fileURLToPath(new URL("../../services/stack/src/replay.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [replay, "--batch", body.batch_id], {
      env: { ...process.env, STATE_DIR: pipeline.stateDir },
    });
    const lines = stdout.trim().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ batch: body.batch_id, completed: 1, failed: 0 });
    const [, file] = /file (queue_custom_voice_\S+\.flac)$/m.exec(stdout) ?? [];
    expect((await fetchFile(`/api/v1/files/${file}`)).bytes.subarray(0, 4).toString()).toBe("fLaC");
  }, 60_000);
});

describe("what cannot be spoken", () => {
  it.each<[string, object, number, string, string]>([
    ["an empty text", { text: "" }, 422, "text_empty", "text"],
    ["5,000 characters", { text: "a ".repeat(2_500) }, 422, "text_too_long", "text"],
    ["only emoji", { text: "\u{1f600}\u{1f600}" }, 422, "text_unspeakable", "text"],
    ["control characters", { text: "Hello\u0001" }, 422, "text_unspeakable", "text"],
    ["an unknown voice", { text: "Hi.", voice: "alloy" }, 400, "voice_unknown", "voice"],
    ["an unknown format", { text: "Hi.", response_format: "aac" }, 400, "format_unsupported", "response_format"],
    ["instructions", { text: "Hi.", instruct: "sadly" }, 400, "instructions_unsupported", "instructions"],
    ["a language of other models", { text: "Hallo.", language: "de" }, 422, "language_unsupported", "language"],
    [
      "a voice to clone",
      { operation: "voice_clone", text: "Hi.", ref_audio: "a", ref_text: "Hm." },
      400,
      "operation_unavailable",
      "operation",
    ],
  ])("%s is told at once, with the field", async (_name, item, status, code, field) => {
    const answer = await submit([{ operation: "custom_voice", ...item }]);
    expect(answer).toMatchObject({ status, body: { error: { code, param: `items.0.${field}` } } });
  });

  it("a stored voice, which another kind of model speaks with, is told as that; one that was deleted as such", async () => {
    const [clip] = await demoClips();
    if (clip === undefined) throw new Error("there are no clips");
    const form = new FormData();
    for (const [name, value] of Object.entries({ name: "Demo", consent: "a machine", ref_text: clip.text })) {
      form.append(name, value);
    }
    form.append("audio_sample", new Blob([Uint8Array.from(clip.bytes)]), clip.name);
    const stored = await fetch(`${pipeline.gatewayUrl}/v1/audio/voices`, { method: "POST", body: form });
    const { id } = (await stored.json()) as { id: string };
    expect([stored.status, id]).toEqual([200, expect.stringMatching(/^voice_[0-9a-f]{32}$/)]);
    const item = { operation: "custom_voice", text: "Hi.", voice: id };
    expect(await submit([item])).toMatchObject({
      status: 400,
      body: { error: { code: "operation_unavailable", message: expect.stringContaining("cannot do voice_clone") } },
    });
    const deleted = await fetch(`${pipeline.gatewayUrl}/v1/audio/voices/${id}`, { method: "DELETE" });
    expect(await deleted.json()).toMatchObject({ id, deleted: true });
    const answer = await fetch(`${pipeline.gatewayUrl}/v1/audio/speech`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ input: "Hi.", voice: id }),
    });
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: "voice_not_found" } }]);
  }, 60_000);

  it("of a drop is told by its done event, with the header", async () => {
    const events = await Promise.all([
      drop(""),
      drop("\u{1f600}"),
      drop("Hi.", { [headerNames.voice]: "alloy" }),
      drop("Hi.", { [headerNames.speed]: "9" }),
      drop("Hi.", { [headerNames.operation]: "voice_design", [headerNames.instructions]: "an old sailor" }),
    ]);
    expect(events.map(({ status, error }) => [status, error?.code, error?.param])).toEqual([
      ["error", "text_empty", "payload"],
      ["error", "text_unspeakable", "payload"],
      ["error", "voice_unknown", headerNames.voice],
      ["error", "validation_failed", headerNames.speed],
      ["error", "operation_unavailable", headerNames.operation],
    ]);
  }, 30_000);
});
