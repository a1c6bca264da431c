import { Readable } from "node:stream";
import { answerAsWorker } from "@parlance/bus/testing";
import { type DropHeaders, dropHeadersSchema, readHeaders, type WorkerState } from "@parlance/contracts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { audioForm, startRig, startTestGateway, type TestGateway, type TestRig } from "../../testing/test-gateway.ts";
import { verboseJsonSchema } from "./answer-schemas.ts";

const PATH = "/v1/audio/transcriptions";
const TRANSLATIONS = "/v1/audio/translations";
const TEN_KEYS = [
  ...["id", "seek", "start", "end", "text", "tokens", "temperature"],
  ...["avg_logprob", "compression_ratio", "no_speech_prob"],
];

let rig: TestRig;
let gateway: TestGateway;
const opened: (() => unknown)[] = [];

beforeAll(async () => {
  rig = await startRig();
  gateway = await startTestGateway(rig.server);
});
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});
afterAll(async () => {
  await gateway.close();
  await rig.close();
});

type Fields = Record<string, string | string[]>;

function form(fields: Fields, audio = "say:Hello there."): FormData {
  const made = audioForm("file", audio);
  for (const [name, value] of Object.entries(fields)) {
    for (const each of [value].flat()) made.append(name, each);
  }
  return made;
}
const send = (fields: Fields, audio?: string, path = PATH) =>
  gateway.json(path, { method: "POST", body: form(fields, audio) });

/** What the last upload said of itself to the pipeline. */
function dropped(): DropHeaders {
  const given = new Map(Object.entries(rig.pipeline.seen.at(-1)?.headers ?? {}));
  return readHeaders(dropHeadersSchema, { get: (name) => given.get(name) ?? "", has: (name) => given.has(name) });
}

/** A gateway that knows nothing yet, and a worker that says this of itself. */
async function gatewayBesides(worker: Partial<WorkerState>): Promise<TestGateway> {
  opened.push(await answerAsWorker(rig.pipeline.bus, { family: "asr", model: "some/model", ...worker }));
  const own = await startTestGateway(rig.server);
  opened.push(own.close);
  return own;
}

describe("POST /v1/audio/transcriptions", () => {
  test("answers text, language code and usage, whatever OpenAI's clients send beside the file", async () => {
    const usage = { type: "duration", seconds: 1 };
    const { status, body, headers } = await send({
      ...{ model: "whisper-1", response_format: "json", temperature: "0.2", language: "EN-us" },
      ...{ prompt: "Names: Ann.", chunking_strategy: "auto" },
    });
    expect({ status, body }).toEqual({ status: 200, body: { text: "Hello there.", language: "en", usage } });
    expect(headers.get("parlance-warnings")).toBeNull();
    expect(dropped()).toMatchObject({
      temperature: 0.2,
      language: "English",
      context: "Names: Ann.",
      translate: false,
    });
  });

  test("answers word times to those who say return_timestamps", async () => {
    const { body } = await send({ return_timestamps: "true" }, "say:Hello.");
    expect(body).toMatchObject({ text: "Hello.", timestamps: [{ start: 0, end: 0.5, text: "Hello." }] });
  });

  test("answers plain text", async () => {
    const response = await gateway.call(PATH, { method: "POST", body: form({ response_format: "text" }) });
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await response.text()).toBe("Hello there.\n");
  });

  test.each([
    ["srt", "text/plain; charset=utf-8", "1\n00:00:00,000 --> 00:00:00,500\nHello there.\n"],
    ["vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00.000 --> 00:00:00.500\nHello there.\n"],
  ])("answers subtitles as %s", async (response_format, type, expected) => {
    for (const path of [PATH, TRANSLATIONS]) {
      const response = await gateway.call(path, { method: "POST", body: form({ response_format }) });
      expect(response.headers.get("content-type")).toBe(type);
      expect((await response.text()).trim()).toBe(expected.trim());
      expect(dropped()).toMatchObject({ timestamps: true });
    }
  });

  test("an empty transcript is an empty text, file of subtitles or list, and no error", async () => {
    for (const [response_format, expected] of Object.entries({ text: "\n", srt: "", vtt: "WEBVTT\n" })) {
      const response = await gateway.call(PATH, { method: "POST", body: form({ response_format }, "say:") });
      expect(response.status).toBe(200);
      expect((await response.text()).trim()).toBe(expected.trim());
    }
    expect((await send({}, "say:")).body).toMatchObject({ text: "" });
  });

  test.each<[string, Fields, { segments: boolean; words: boolean }]>([
    ["neither", {}, { segments: true, words: false }],
    ["segment", { "timestamp_granularities[]": "segment" }, { segments: true, words: false }],
    ["word", { "timestamp_granularities[]": "word" }, { segments: false, words: true }],
    ["both", { "timestamp_granularities[]": ["word", "segment"] }, { segments: true, words: true }],
    [
      "both, numbered",
      { "timestamp_granularities[0]": "word", "timestamp_granularities[1]": "segment" },
      { segments: true, words: true },
    ],
    ["word without brackets", { timestamp_granularities: "word" }, { segments: false, words: true }],
    ["return_timestamps", { return_timestamps: "true" }, { segments: true, words: true }],
  ])("verbose_json with %s", async (_name, granularity, expected) => {
    const { status, body } = await send({ response_format: "verbose_json", ...granularity });
    expect(status).toBe(200);
    const { segments, words, ...rest } = verboseJsonSchema.parse(body);
    expect(rest).toEqual({
      task: "transcribe",
      language: "english",
      duration: 0.5,
      text: "Hello there.",
      usage: { type: "duration", seconds: 1 },
    });
    expect({ segments: segments !== undefined, words: words !== undefined }).toEqual(expected);
    if (words !== undefined) expect(words).toEqual([{ word: "Hello there.", start: 0, end: 0.5 }]);
    if (segments !== undefined) {
      expect(segments.map((segment) => Object.keys(segment))).toEqual([TEN_KEYS]);
      expect(segments.map(({ text }) => text)).toEqual([" Hello there."]);
    }
    expect(JSON.stringify(body)).not.toContain("null");
  });

  test.each<[string, Fields, string]>([
    ["an empty field is one that was not filled in", { language: "", temperature: "" }, "auto"],
    ["one of languages[] is the language", { "languages[]": "de" }, "German"],
    ["of several the model finds out", { "languages[]": ["de", "French"] }, "auto"],
    ["language goes before languages[]", { language: "german", "languages[]": "fr" }, "German"],
  ])("%s", async (_name, fields, language) => {
    expect((await send(fields)).status).toBe(200);
    expect(dropped()).toMatchObject({ language, temperature: 0 });
  });

  test("a strategy comes as JSON, or as the npm client takes it apart", async () => {
    const strategy = { type: "server_vad", threshold: 0.4, prefix_padding_ms: 200, silence_duration_ms: 500 };
    expect((await send({ chunking_strategy: JSON.stringify(strategy) })).status).toBe(200);
    const fields = Object.entries(strategy).map(([key, value]) => [`chunking_strategy[${key}]`, String(value)]);
    const { status, headers } = await send(Object.fromEntries(fields));
    expect(status).toBe(200);
    expect(headers.get("parlance-warnings")).toBeNull();
  });

  test("takes a file that is sent while it is read: chunked, without a length, of no type, before its fields", async () => {
    const boundary = "----x";
    const part = (name: string) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
    async function* pieces(): AsyncGenerator<Uint8Array> {
      const file = `${part("file")}; filename="a.wav"\r\nContent-Type: application/octet-stream\r\n\r\n`;
      for (const piece of [file, "say:in", " pieces", `\r\n${part("response_format")}\r\n\r\ntext\r\n`]) {
        yield Buffer.from(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      yield Buffer.from(`${part("model")}\r\n\r\nwhisper-1\r\n--${boundary}--\r\n`);
    }
    const response = await gateway.call(PATH, {
      method: "POST",
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
      body: Readable.toWeb(Readable.from(pieces())) as ReadableStream<Uint8Array>,
      duplex: "half",
    });
    expect(await response.text()).toBe("in pieces\n");
  });
});

describe("include[]=logprobs", () => {
  const fields = { "include[]": "logprobs" };

  test("gives each token's, from a model that tells them or of which nothing is known", async () => {
    const logprobs = [{ token: "Yes", logprob: -0.1, bytes: [89, 101, 115] }];
    expect((await send(fields, "say:Yes")).body).toMatchObject({ text: "Yes", logprobs });
    const telling = await gatewayBesides({ logprobs: true });
    const { body } = await telling.json(PATH, { method: "POST", body: form(fields, "say:Yes") });
    expect(body).toMatchObject({ logprobs });
    expect((await send({}, "say:Yes")).body).not.toHaveProperty("logprobs");
  });

  test("is refused for a model that has none, before any work", async () => {
    const silent = await gatewayBesides({ logprobs: false });
    const before = rig.pipeline.seen.length;
    const { status, body } = await silent.json(PATH, { method: "POST", body: form(fields) });
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { error: { param: "include", message: expect.stringContaining("some/model") } },
    });
    expect(rig.pipeline.seen.length).toBe(before);
  });
});

describe("POST /v1/audio/translations", () => {
  const ask = (on: TestGateway, fields: Fields = {}, audio?: string) =>
    on.json(TRANSLATIONS, { method: "POST", body: form(fields, audio) });

  test("asks for English, and says so", async () => {
    expect(await ask(gateway, { language: "de", model: "whisper-1" })).toMatchObject({
      status: 200,
      body: { text: "Hello there." },
    });
    // What it is called in a transcription is no field of a translation.
    expect(dropped()).toMatchObject({ translate: true, language: "auto" });
    const { body } = await ask(gateway, { response_format: "verbose_json", temperature: "1" });
    const { segments, ...rest } = verboseJsonSchema.parse(body);
    expect(rest).toEqual({ task: "translate", language: "english", duration: 0.5, text: "Hello there." });
    expect(segments?.map((segment) => Object.keys(segment))).toEqual([TEN_KEYS]);
    expect(dropped()).toMatchObject({ translate: true, temperature: 1, timestamps: true });
  });

  test("a model that does not translate is told by name before any work", async () => {
    const mute = await gatewayBesides({ translates: false });
    const before = rig.pipeline.seen.length;
    expect(await ask(mute)).toMatchObject({
      status: 400,
      body: {
        error: { code: "operation_unavailable", param: "model", message: expect.stringContaining("some/model") },
      },
    });
    expect(rig.pipeline.seen.length).toBe(before);
    const able = await gatewayBesides({ model: "other/model", worker: "v", translates: true });
    expect((await ask(able)).status).toBe(200);
  });
});
