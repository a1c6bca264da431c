import { connectBus } from "@parlance/bus";
import { answerAsWorker } from "@parlance/bus/testing";
import { contentTypeOf, segmentFileId, speechFormats, streams, subjects, type WorkerState } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAKE_SOUND } from "../testing/fake-pipeline.ts";
import { openSocket, readAll } from "../testing/raw-http.ts";
import { eventually, startRig, startTestGateway, type TestGateway, type TestRig } from "../testing/test-gateway.ts";
import { openaiVoices } from "./speech-request.ts";

const PATH = "/v1/audio/speech";
const VOICES: NonNullable<WorkerState["voices"]> = [
  { id: "slt", name: "SLT", gender: "female", language: "English" },
  { id: "echo", name: "Echo", gender: "male", language: "English" },
];

let rig: TestRig;
let gateway: TestGateway;
let stopWorker: () => Promise<void>;

/** A worker that only says what it could do. */
async function startWorker({ server }: TestRig, abilities: Partial<WorkerState>): Promise<() => Promise<void>> {
  const bus = await connectBus({ name: "worker", ...server.as() });
  await answerAsWorker(bus, abilities);
  return bus.close;
}

beforeAll(async () => {
  rig = await startRig();
  stopWorker = await startWorker(rig, {
    operations: ["custom_voice"],
    languages: ["English"],
    voices: VOICES,
    defaultVoice: "slt",
    instructions: false,
  });
  gateway = await startTestGateway(rig.server);
});
afterAll(async () => {
  await gateway.close();
  await stopWorker();
  await rig.close();
});

const speech = (more: object = {}) => ({ model: "tts-1", input: "One.|Two.", voice: "alloy", ...more });
const ask = (more: object = {}, init: RequestInit = {}) =>
  gateway.call(PATH, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(speech(more)),
    ...init,
  });
const refused = (more: object) => gateway.post(PATH, speech(more));
const submitted = () => JSON.parse(rig.pipeline.seen.at(-1)?.data.toString() ?? "");

interface SpeechEvent {
  type: string;
  audio?: string;
  usage?: object;
  error?: object;
}
const eventsOf = (text: string): SpeechEvent[] =>
  text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? ""));

/** Two pieces and the pause between them, as samples at their own rate. */
const joined = Int16Array.of(
  ...FAKE_SOUND.samples,
  ...new Int16Array((FAKE_SOUND.sampleRate * FAKE_SOUND.pauseMs) / 1_000),
  ...FAKE_SOUND.samples,
);

describe("POST /v1/audio/speech", () => {
  test("as wav is the segments, joined with their pauses", async () => {
    const response = await ask({ response_format: "wav" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("audio/wav");
    const file = Buffer.from(await response.arrayBuffer());
    expect(file.subarray(0, 4).toString()).toBe("RIFF");
    expect(file.subarray(44)).toEqual(Buffer.from(joined.buffer));
  });

  test("is mp3 when nothing else is asked for", async () => {
    const response = await ask();
    expect(response.headers.get("content-type")).toBe("audio/mpeg");
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes[0]).toBe(0xff);
    // 64 kbit/s, and what fills the codec's last frames.
    expect(bytes.length / 8_000).toBeCloseTo(joined.length / FAKE_SOUND.sampleRate + 0.05, 0);
  });

  test.each(speechFormats)("%s says what it is", async (format) => {
    const response = await ask({ response_format: format });
    expect(response.headers.get("content-type")).toBe(contentTypeOf[format]);
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(1_000);
  });

  test("is one text on the interactive lane, as it was asked for", async () => {
    await (await ask({ input: "Hello there.", voice: { id: "slt" }, speed: 1.25, language: "en" })).arrayBuffer();
    expect(submitted()).toMatchObject({
      lane: "interactive",
      items: [{ operation: "custom_voice", text: "Hello there.", voice: "slt", speed: 1.25, language: "English" }],
    });
  });

  test("OpenAI's voices are the default voice, unless the model has one of that name", async () => {
    for (const voice of openaiVoices) {
      expect((await ask({ voice })).status).toBe(200);
      expect(submitted().items[0].voice, voice).toBe(voice === "echo" ? "echo" : undefined);
    }
  });

  test("sound flows from the first segment on, and a caller that goes away cancels the batch", async () => {
    const leaving = new AbortController();
    const response = await ask({ input: "One.|wait", response_format: "pcm" }, { signal: leaving.signal });
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(1_000);
    const batchId = rig.pipeline.seen.at(-1)?.subject.split(".")[3] ?? "";
    leaving.abort();
    const done = await eventually(() => rig.pipeline.bus.last(streams.results, subjects.done(batchId, "0")));
    expect(JSON.parse(Buffer.from(done.data).toString())).toMatchObject({ error: { code: "cancelled" } });
    expect(await (await gateway.call("/metrics")).text()).toContain('parlance_waiting_requests{service="gateway"} 0');
  });

  test("as events is deltas, then done with its usage", async () => {
    const response = await ask({ stream_format: "sse", response_format: "wav" });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = eventsOf(await response.text());
    const sound = Buffer.concat(
      events.flatMap(({ audio }) => (audio === undefined ? [] : [Buffer.from(audio, "base64")])),
    );
    expect(sound.subarray(44)).toEqual(Buffer.from(joined.buffer));
    expect(events.length).toBeGreaterThan(3);
    expect(events.at(-1)).toEqual({
      type: "speech.audio.done",
      usage: { input_tokens: 9, output_tokens: 2, total_tokens: 11 },
    });
    expect(events.slice(0, -1).every(({ type }) => type === "speech.audio.delta")).toBe(true);
  });

  test.each(["audio", "sse"])(
    "as %s, what fails before the first sound is an error like any other",
    async (stream_format) => {
      const answer = await refused({ input: "fail:language_unsupported", stream_format });
      expect(answer).toMatchObject({ status: 400, body: { error: { code: "language_unsupported" } } });
      expect(answer.headers.get("content-type")).toContain("application/json");
    },
  );

  test("what a model says of the text is told by the field that the caller used", async () => {
    const answer = await refused({ input: "fail:text_too_long" });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "text_too_long", param: "input" } } });
  });

  test("one foreign word keeps no text from being read", async () => {
    expect((await ask({ input: "Say \u041c\u043e\u0441\u043a\u0432\u0430 please." })).status).toBe(200);
  });

  test("what fails after the first sound breaks the connection off", async () => {
    const response = await ask({ input: "One.|fail:engine_failed", response_format: "pcm" });
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  test("what fails after the first sound is an error event, where there are events", async () => {
    const response = await ask({ input: "One.|fail:engine_failed", stream_format: "sse", response_format: "pcm" });
    const events = eventsOf(await response.text());
    expect(events[0]).toMatchObject({ type: "speech.audio.delta" });
    expect(events.at(-1)).toMatchObject({ type: "error", error: { code: "engine_failed", type: "server_error" } });
  });

  test("a sound that is not there is an error, not a silence", async () => {
    const asked = ask({ input: "wait", response_format: "wav" });
    const before = rig.pipeline.seen.length;
    const batchId = await eventually(async () => rig.pipeline.seen[before]?.subject.split(".")[3]);
    await rig.pipeline.bus.publishOnce(
      subjects.result(batchId, "0", 0),
      JSON.stringify({
        operation: "custom_voice",
        outcome: "spoken",
        audio: segmentFileId(batchId, "0", 0),
        last: true,
        submittedAt: 0,
        finishedAt: 0,
        sampleRate: 16_000,
        samples: 100,
        pauseMs: 0,
        format: "wav",
        model: "fake",
        passSize: 1,
      }),
    );
    expect((await asked).status).toBe(500);
  });

  test.each<[string, object, number, string, string]>([
    ["no text", { input: "" }, 400, "text_empty", "input"],
    ["a text that is none", { input: 7 }, 400, "validation_failed", "input"],
    ["5,000 characters", { input: "word ".repeat(1_000) }, 400, "text_too_long", "input"],
    ["only emoji", { input: "\u{1f600}\u{1f389}" }, 400, "text_unspeakable", "input"],
    ["control characters", { input: "a\u0007b" }, 400, "text_unspeakable", "input"],
    [
      "what is foreign for the most part",
      { input: "\u041f\u0440\u0438\u0432\u0435\u0442" },
      400,
      "text_unspeakable",
      "input",
    ],
    ["an unknown voice", { voice: "nobody" }, 400, "voice_unknown", "voice"],
    ["an unknown voice by its id", { voice: { id: "../a" } }, 400, "voice_unknown", "voice"],
    ["a voice of another shape", { voice: ["slt"] }, 400, "validation_failed", "voice"],
    ["aac", { response_format: "aac" }, 400, "format_unsupported", "response_format"],
    ["a format that is none", { response_format: "exe" }, 400, "format_unsupported", "response_format"],
    ["instructions to a model without", { instructions: "sad" }, 400, "instructions_unsupported", "instructions"],
    ["instructions by their other name", { instruct: "sad" }, 400, "instructions_unsupported", "instructions"],
    ["two instructions", { instructions: "a", instruct: "b" }, 400, "validation_failed", "instruct"],
    ["too fast", { speed: 4.5 }, 400, "validation_failed", "speed"],
    ["too slow", { speed: 0.2 }, 400, "validation_failed", "speed"],
    ["a way to stream that is none", { stream_format: "ws" }, 400, "validation_failed", "stream_format"],
    ["a language that is none", { language: "klingon" }, 400, "validation_failed", "language"],
    ["a language of another model", { language: "de" }, 400, "language_unsupported", "language"],
    ["a recording to clone", { ref_audio: "https://example.org/a.wav" }, 400, "validation_failed", "ref_audio"],
  ])("%s is told with its field, and nothing is queued", async (_name, wrong, status, code, param) => {
    const before = rig.pipeline.seen.length;
    const answer = await refused(wrong);
    expect(answer).toMatchObject({ status, body: { error: { code, param } } });
    expect(answer.headers.get("x-should-retry")).toBe("false");
    expect(rig.pipeline.seen.length).toBe(before);
  });

  test("an unknown voice is answered with those that there are", async () => {
    const { body } = await refused({ voice: "nobody" });
    expect(body).toMatchObject({ error: { message: expect.stringContaining("slt, echo") } });
  });

  test("REQUEST_TIMEOUT ends the waiting for the next segment", async () => {
    const hasty = await startTestGateway(rig.server, { REQUEST_TIMEOUT: "1" });
    expect(await hasty.post(PATH, speech({ input: "wait" }))).toMatchObject({
      status: 504,
      body: { error: { code: "request_timeout" } },
    });
    await hasty.close();
  });

  test("a caller that does not read is cut off, and its batch cancelled", async () => {
    const hasty = await startTestGateway(rig.server, { REQUEST_TIMEOUT: "3" });
    const socket = await openSocket(hasty.url);
    const body = JSON.stringify(speech({ input: "wait", response_format: "wav" }));
    const before = rig.pipeline.seen.length;
    socket.pause();
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const batchId = await eventually(async () => rig.pipeline.seen[before]?.subject.split(".")[3]);
    // More than both ends' sockets hold, and not the last segment: nothing but the caller ends this.
    const samples = new Int16Array(12_000_000);
    await rig.pipeline.saySegment(batchId, "0", 0, false, samples);
    const done = await eventually(() => rig.pipeline.bus.last(streams.results, subjects.done(batchId, "0")));
    expect(JSON.parse(Buffer.from(done.data).toString())).toMatchObject({ error: { code: "cancelled" } });
    socket.resume();
    expect((await readAll(socket)).length).toBeLessThan(samples.byteLength);
    expect(await (await hasty.call("/metrics")).text()).toContain('parlance_waiting_requests{service="gateway"} 0');
    await hasty.close();
  });

  test("with ENABLE_TTS off nothing is spoken, and it is said", async () => {
    const off = await startTestGateway(rig.server, { ENABLE_TTS: "false" });
    expect(await off.post(PATH, speech())).toMatchObject({
      status: 400,
      body: { error: { code: "operation_unavailable" } },
    });
    await off.close();
  });
});

test("when the gateway closes, a stream of events ends with the reason and one of audio breaks off", async () => {
  const own = await startTestGateway(rig.server);
  const ask = (more: object) =>
    own.call(PATH, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(speech({ input: "One.|wait", response_format: "pcm", ...more })),
    });
  const [events, audio] = await Promise.all([ask({ stream_format: "sse" }), ask({})]);
  const closing = own.close();
  expect(eventsOf(await events.text()).at(-1)).toMatchObject({ type: "error", error: { code: "stopping" } });
  await expect(audio.arrayBuffer()).rejects.toThrow();
  await closing;
});

test("speech that is followed while nats-server restarts is whole", async () => {
  const own = await startRig();
  const stop = await startWorker(own, { operations: ["custom_voice"] });
  const patient = await startTestGateway(own.server);
  const response = await patient.call(PATH, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(speech({ input: "One.|wait", response_format: "wav" })),
  });
  const batchId = own.pipeline.seen[0]?.subject.split(".")[3] ?? "";
  await own.server.kill();
  await own.server.restart();
  await own.pipeline.saySegment(batchId, "0", 1, true);
  const file = Buffer.from(await response.arrayBuffer());
  expect(file.subarray(44)).toEqual(Buffer.from(joined.buffer));
  await stop();
  await patient.close();
  await own.close();
});

describe("what there is to speak with", () => {
  test("GET /v1/audio/voices lists the voices, and which one is the default", async () => {
    const { body } = await gateway.json("/v1/audio/voices");
    expect(body).toEqual({
      voices: [
        { ...VOICES[0], model: "parlance-voice", default: true },
        { ...VOICES[1], model: "parlance-voice", default: false },
      ],
    });
  });

  test("GET /v1/models lists the models, and tells one by its name", async () => {
    const { body } = await gateway.json("/v1/models");
    const model = {
      ...{ id: "parlance-voice", object: "model", created: expect.any(Number), owned_by: "parlance" },
      ...{ family: "tts", languages: ["English"] },
    };
    expect(body).toEqual({ object: "list", data: [model] });
    expect((await gateway.json("/v1/models/parlance-voice")).body).toEqual(model);
    expect(await gateway.json("/v1/models/gpt-9")).toMatchObject({ status: 404, body: { error: { param: "model" } } });
  });

  test("GET /v1/models tells of a recogniser which languages it knows, and whether it reads a context", async () => {
    const own = await startRig();
    const model = { model: "some-recogniser", languages: ["English", "Swahili"], context: true };
    const stop = await startWorker(own, { family: "asr", ...model });
    const server = await startTestGateway(own.server);
    const { model: id, ...abilities } = model;
    expect((await server.json("/v1/models")).body).toMatchObject({ data: [{ id, family: "asr", ...abilities }] });
    await server.close();
    await stop();
    await own.close();
  });

  test("as long as no worker ever answered it is 503, and may be tried again", async () => {
    const lonely = await startRig();
    const own = await startTestGateway(lonely.server);
    for (const answer of [await own.post(PATH, speech()), await own.json("/v1/audio/voices")]) {
      expect(answer).toMatchObject({ status: 503, body: { error: { code: "worker_unavailable" } } });
      expect(answer.headers.get("retry-after")).not.toBeNull();
    }
    expect((await own.json("/v1/models")).body).toEqual({ object: "list", data: [] });
    await own.close();
    await lonely.close();
  });
});
