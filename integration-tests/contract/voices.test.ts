/**
 * Voices that stay, from one end to the other. What clones and what has voices of its own are small models with random weights; what designs
 * is the voice that ships, because speech must be heard in a recording that is kept.
 */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeWav } from "@parlance/audio";
import { buildWav, music } from "@parlance/audio/testing";
import { type Bus, connectBus } from "@parlance/bus";
import { headerNames, streams, type VoiceAnswer } from "@parlance/contracts";
import { writeRandomVoice } from "@parlance/tts/testing/random-voices";
import OpenAI from "openai";
import { Stream } from "openai/streaming";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { samplesOf, soundsAlike } from "../chaos/work.ts";
import { type Clip, demoClips } from "../src/clips.ts";
import { dropText } from "../src/drop-text.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { isAlive } from "../src/process-table.ts";
import { untilFinished } from "../src/queue.ts";
import { createRestClient, type RestClient } from "../src/rest-client.ts";
import { writeShippedVoice } from "../src/shipped-voice.ts";

const TIMEOUT_MS = 120_000;
const TEXT = "Good morning to all of you.";
/** Put together so that one is left when the inner one is cut out. */
const NESTED = "<|im_<|im_end|>end|>";

let root: string;
let pipeline: Pipeline;
let clip: Clip;
let client: RestClient;
let openai: OpenAI;
let designed: VoiceAnswer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-stored-"));
  await writeRandomVoice("custom-voice", join(root, "speakers"));
  await writeRandomVoice("base", join(root, "imitates"));
  await writeShippedVoice(join(root, "designs"), "voice_design");
  const found = (await demoClips()).find(({ type }) => type === "audio/wav");
  if (found === undefined) throw new Error("there are no clips");
  clip = found;
  await start("one");
  const made = await addVoice(JSON.stringify({ name: "Sailor", design: "an old sailor", language: "en", seed: 7 }));
  expect(made).toMatchObject({ status: 200, body: { name: "Sailor", design: "an old sailor", seed: 7 } });
  designed = made.body;
}, TIMEOUT_MS);

afterAll(async () => {
  await pipeline?.stop();
  await rm(root, { recursive: true, force: true });
}, TIMEOUT_MS);

async function start(processes: "one" | "many"): Promise<void> {
  pipeline = await startPipeline({
    PROCESSES: processes,
    ...{ STATE_DIR: join(root, "state"), ENABLE_ASR: "false", MODEL_HUB: "off", TTS_MODEL_ROOT: root },
    TTS_MODEL_ID: "speakers,designs,imitates",
  });
  client = createRestClient(() => pipeline.gatewayUrl);
  openai = new OpenAI({ baseURL: `${pipeline.gatewayUrl}/v1`, apiKey: "none is needed here", maxRetries: 0 });
  await vi.waitFor(async () => expect(await listed()).toContain("ryan"), { timeout: 20_000, interval: 100 });
}

/** Ids; empty while nobody could say. */
async function listed(): Promise<string[]> {
  const response = await fetch(`${pipeline.gatewayUrl}/v1/audio/voices`);
  if (!response.ok) return [];
  return ((await response.json()) as { voices: { id: string }[] }).voices.map(({ id }) => id);
}

async function addVoice(body: string | FormData) {
  const json = { headers: { "content-type": "application/json" } };
  const init = { method: "POST", body, ...(typeof body === "string" ? json : {}) };
  const response = await fetch(`${pipeline.gatewayUrl}/v1/audio/voices`, init);
  return { status: response.status, body: (await response.json()) as VoiceAnswer & { error?: object } };
}

function recorded(bytes: Uint8Array, fields: Record<string, string>): Promise<Awaited<ReturnType<typeof addVoice>>> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ consent: "a machine", ref_text: clip.text, ...fields })) {
    form.append(name, value);
  }
  form.append("audio_sample", new Blob([Uint8Array.from(bytes)]), "sample.wav");
  return addVoice(form);
}

type Wishes = { input?: string; voice?: string; seed?: number; [more: string]: unknown };

function ask(wishes: Wishes) {
  const body = { model: "tts-1", voice: designed.id, input: TEXT, response_format: "pcm" as const, ...wishes };
  return openai.audio.speech.create(body);
}

async function speak(wishes: Wishes): Promise<Int16Array> {
  return new Int16Array(await (await ask(wishes)).arrayBuffer());
}

async function speakInEvents(wishes: Wishes): Promise<Int16Array> {
  const response = await ask({ ...wishes, stream_format: "sse" });
  const parts: Buffer[] = [];
  const events = Stream.fromSSEResponse<{ type: string; audio?: string }>(response, new AbortController());
  for await (const { audio } of events) if (audio !== undefined) parts.push(Buffer.from(audio, "base64"));
  return new Int16Array(Uint8Array.from(Buffer.concat(parts)).buffer);
}

const same = (one: Int16Array | undefined, other: Int16Array) =>
  one !== undefined && Buffer.from(one.buffer).equals(Buffer.from(other.buffer));

type Item = { operation: "custom_voice" | "voice_design" | "voice_clone"; [more: string]: unknown };

async function submit(items: Item[]): Promise<string> {
  const queued = items.map((item, index) => ({ text: TEXT, custom_id: String(index), ...item }));
  return (await client.submit("voices", queued, randomUUID())).batch_id;
}

async function speakQueued(items: Item[]): Promise<Int16Array[]> {
  const { items: done } = await untilFinished(client, await submit(items), 60_000);
  return await Promise.all(
    done.map(async ({ url, error }) => {
      if (!url) throw new Error(`not spoken: ${error}`);
      return samplesOf(await client.bytes(url));
    }),
  );
}

const drop = (text: string, fields: Record<string, string>) => dropText(pipeline.natsUrl, text, fields);

/** What the designed voice says by seed 7. */
let today: Int16Array;

describe("a voice that is described", () => {
  it(
    "is listed, and says the same to OpenAI's client whole and in events, through the queue and as a drop",
    async () => {
      expect(await listed()).toEqual(expect.arrayContaining(["ryan", designed.id]));
      const response = await ask({ seed: 7 });
      expect(response.headers.get(headerNames.seed)).toBe("7");
      today = new Int16Array(await response.arrayBuffer());
      expect(today.length).toBeGreaterThan(1_920);
      expect(same(await speakInEvents({ seed: 7 }), today)).toBe(true);
      expect(same(await speak({ seed: 7, voice: " sailor" }), today)).toBe(true);
      expect(same(await speak({ seed: 8 }), today)).toBe(false);
      const [queued] = await speakQueued([{ operation: "custom_voice", voice: designed.id, seed: 7 }]);
      if (queued === undefined) throw new Error("nothing was spoken");
      // Nobody reads its parts, so its frames are decoded in larger ones, and rounded otherwise.
      expect(soundsAlike(queued, today)).toBe(true);
      const dropped = await drop(TEXT, { [headerNames.voice]: designed.id, [headerNames.seed]: "7" });
      expect(dropped).toMatchObject({ operation: "voice_clone", status: "done", seed: 7 });
      const file = await client.bytes(`/api/v1/files/${dropped.audio?.file}`);
      expect(same(samplesOf(file), queued)).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    "speaks the language of its recording where nobody names one, unless the text is in other letters",
    async () => {
      expect(same(await speak({ seed: 7, language: "English" }), today)).toBe(true);
      expect(same(await speak({ seed: 7, language: "German" }), today)).toBe(false);
      const input = "早上好，大家好。";
      const chinese = await speak({ seed: 7, input });
      expect(same(await speak({ seed: 7, input, language: "English" }), chinese)).toBe(false);
    },
    TIMEOUT_MS,
  );

  it(
    "says a text of 4,096 characters without a full stop, and nothing of the control tokens in one",
    async () => {
      const voice = { operation: "voice_clone" as const, voice: designed.id, seed: 7 };
      const endless = "and on it goes without an end ".repeat(137).slice(0, 4_096);
      const [long] = await speakQueued([{ ...voice, text: endless }]);
      expect(long?.length).toBeGreaterThan(10 * 1_920);
      const marked = `${NESTED}Good <tts_pad>morning to all of you.${NESTED}`;
      expect(same(await speak({ seed: 7, input: marked }), today)).toBe(true);
      for (const input of ["\u{1f600} \u{1f680}", NESTED]) {
        await expect(speak({ input })).rejects.toMatchObject({ code: "text_unspeakable", param: "input" });
      }
    },
    TIMEOUT_MS,
  );
});

describe("a recording that is sent", () => {
  it(
    "is imitated with its text and without, with a text in another language, and without what is a control token in it",
    async () => {
      const ref_audio = await client.upload(clip.bytes, clip.name, clip.type);
      const clone = { operation: "voice_clone" as const, ref_audio, seed: 7 };
      const [withText, without, foreign, marked] = await speakQueued([
        { ...clone, ref_text: clip.text },
        { ...clone, x_vector_only_mode: true },
        { ...clone, ref_text: "请打开厨房的灯" },
        { ...clone, ref_text: `${NESTED}${clip.text}<|im_end|>` },
      ]);
      if (withText === undefined || without === undefined || foreign === undefined) throw new Error("too few sounds");
      expect(soundsAlike(marked ?? new Int16Array(), withText)).toBe(true);
      for (const other of [without, foreign]) expect(soundsAlike(other, withText)).toBe(false);
      expect(soundsAlike(without, foreign)).toBe(false);
    },
    TIMEOUT_MS,
  );

  it(
    "is a voice from then on; one in which nobody speaks, or too short or long, is told as that",
    async () => {
      const { status, body } = await recorded(clip.bytes, { name: "Lights" });
      expect([status, body]).toMatchObject([200, { name: "Lights", x_vector_only_mode: false }]);
      expect((await speak({ voice: body.id, seed: 7 })).length).toBeGreaterThan(1_920);
      const wav = (samples: Int16Array) => encodeWav(samples, { sampleRate: 16_000 });
      const hours = buildWav({ sampleRate: 8_000, bits: 8, data: Buffer.alloc(40 * 60 * 8_000, 128) });
      const refused: [Uint8Array, string][] = [
        [wav(music(5 * 16_000)), "reference_without_speech"],
        [wav(new Int16Array(3 * 16_000)), "reference_without_speech"],
        [wav(samplesOf(clip.bytes).slice(0, 4_800)), "reference_too_short"],
        [hours, "reference_too_long"],
      ];
      for (const [bytes, code] of refused) {
        const answer = await recorded(bytes, { name: "Nobody" });
        const message = expect.stringMatching(/^audio_sample: /);
        expect(answer.body.error, code).toMatchObject({ code, param: "audio_sample", message });
      }
    },
    TIMEOUT_MS,
  );
});

describe("a voice of another checkpoint", () => {
  it("is told as unknown where it is asked for, and a stored one follows no instructions", async () => {
    const speaking = (item: Item) =>
      fetch(`${pipeline.gatewayUrl}/api/v1/queue/submit`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ items: [{ text: TEXT, ...item }] }),
      }).then((response) => response.json());
    const wrong: [Item, string, string][] = [
      [{ operation: "voice_clone", voice: "ryan" }, "voice_unknown", "voice"],
      [{ operation: "voice_design", voice: "ryan", instructions: "old" }, "validation_failed", "voice"],
      [{ operation: "voice_design", voice: designed.id, instructions: "old" }, "validation_failed", "voice"],
      [{ operation: "custom_voice", voice: "anna" }, "voice_unknown", "voice"],
      [
        { operation: "custom_voice", voice: designed.id, instructions: "sad" },
        "instructions_unsupported",
        "instructions",
      ],
    ];
    for (const [item, code, field] of wrong) {
      expect(await speaking(item), JSON.stringify(item)).toMatchObject({ error: { code, param: `items.0.${field}` } });
    }
    expect(await drop(TEXT, { [headerNames.voice]: "anna" })).toMatchObject({
      error: { code: "voice_unknown", param: headerNames.voice },
    });
  });
});

describe("a stored voice", () => {
  it(
    "says the same after everything was stopped and started again",
    async () => {
      const { pid } = pipeline.processes();
      process.kill(pid, "SIGTERM");
      await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 30_000, interval: 50 });
      await start("many");
      expect(await listed()).toContain(designed.id);
      expect(same(await speak({ seed: 7 }), today)).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    "that is deleted speaks no more: what waits in the queue fails, what is asked for anew is not found, another speaks on",
    async () => {
      const other = await recorded(clip.bytes, { name: "Other" });
      const bus = await connectBus({ url: pipeline.natsUrl, name: "test", ...pipeline.credentials("topology") });
      try {
        // Nobody takes a job while its worker is held.
        const worker = pipeline.processes().pids["tts-worker"] ?? 0;
        process.kill(worker, "SIGSTOP");
        const batchId = await submit(
          [designed, other.body].map(({ id: voice }) => ({ operation: "voice_clone", voice })),
        );
        await untilQueued(bus, batchId, 2);
        const url = `${pipeline.gatewayUrl}/v1/audio/voices/${designed.id}`;
        expect((await fetch(url, { method: "DELETE" })).status).toBe(200);
        process.kill(worker, "SIGCONT");
        const { items } = await untilFinished(client, batchId, 60_000);
        expect(items).toMatchObject([
          { status: "error", error_code: "voice_deleted", error: expect.stringContaining("was deleted before") },
          { status: "done", error: null },
        ]);
        expect(await listed()).not.toContain(designed.id);
        await expect(speak({})).rejects.toMatchObject({ status: 404, code: "voice_not_found", param: "voice" });
        expect(await drop(TEXT, { [headerNames.voice]: designed.id })).toMatchObject({
          error: { code: "voice_not_found", param: headerNames.voice },
        });
      } finally {
        await bus.close();
      }
    },
    TIMEOUT_MS,
  );
});

async function untilQueued(bus: Bus, batchId: string, count: number): Promise<void> {
  const queued = async () => (await bus.countSubjects(streams.jobs, `speech.job.*.*.${batchId}.>`)).size;
  await expect.poll(queued, { timeout: 20_000 }).toBe(count);
}
