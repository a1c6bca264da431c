import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audioForm, startRig, startTestGateway, type TestGateway, type TestRig } from "../testing/test-gateway.ts";

let rig: TestRig;
let gateway: TestGateway;

beforeAll(async () => {
  rig = await startRig();
  gateway = await startTestGateway(rig.server);
});
afterAll(async () => {
  await gateway.close();
  await rig.close();
});

const told = (...names: string[]) => names.map((name) => `${name}: is not known here and was ignored`);
const send = (path: string, form: FormData) => gateway.json(path, { method: "POST", body: form });

describe("clients that write every field that they know", () => {
  test("may leave what is optional null in every body", async () => {
    const file = await gateway.upload("say:hello");
    const transcribed = await gateway.post("/api/v1/transcribe", {
      files: [{ file_id: file, custom_id: null }],
      language: null,
      return_timestamps: null,
      context: null,
      prompt: null,
    });
    expect(transcribed).toMatchObject({ status: 200, body: { items: [{ text: "hello", custom_id: null }] } });
    const item = {
      operation: "transcribe",
      ref_audio: file,
      ...{ text: null, language: null, custom_id: null, speed: null, voice: null, hotwords: null, ref_text: null },
    };
    const submitted = await gateway.post("/api/v1/queue/submit", { label: null, items: [item] });
    expect(submitted).toMatchObject({ status: 200, body: { total_items: 1 } });
    expect(submitted.body).not.toHaveProperty("warnings");
    const speech = { input: "", model: null, voice: null, speed: null, response_format: null, instructions: null };
    expect(await gateway.post("/v1/audio/speech", speech)).toMatchObject({ body: { error: { code: "text_empty" } } });
  });

  test("are told that what is required is not there", async () => {
    const answer = await gateway.post("/api/v1/transcribe", { files: [{ file_id: null }] });
    expect(answer).toMatchObject({
      status: 422,
      body: { error: { message: "files.0.file_id: is required", param: "files.0.file_id" } },
    });
  });
});

describe("fields that are not known", () => {
  test("are told beside the answer to JSON", async () => {
    const file = await gateway.upload("say:hello");
    const items = [{ operation: "transcribe", ref_audio: file, langauge: "de" }];
    const submitted = await gateway.post("/api/v1/queue/submit", { items, lable: "mine" });
    expect(submitted).toMatchObject({ status: 200, body: { warnings: told("items.0.langauge", "lable") } });
    const transcribed = await gateway.post("/api/v1/transcribe", { files: [{ file_id: file, name: "x" }] });
    expect(transcribed).toMatchObject({ status: 200, body: { warnings: told("files.0.name") } });
  });

  test("are told beside the answer to a form", async () => {
    const form = () => audioForm("file", "say:hello", "a.wav", { langauge: "de" });
    expect((await send("/api/v1/transcribe/file", form())).body).toMatchObject({ warnings: told("langauge") });
    expect((await send("/api/v1/files/upload", form())).body).toMatchObject({ warnings: told("langauge") });
  });

  test("are ignored by OpenAI's endpoints, whose answers keep their shape; a header tells", async () => {
    const form = audioForm("file", "say:hello", "a.wav", { größe: "1" });
    const { body, headers } = await send("/v1/audio/transcriptions", form);
    expect(body).toEqual({ text: "hello", language: "en", usage: { type: "duration", seconds: 1 } });
    expect(JSON.parse(headers.get("parlance-warnings") ?? "")).toEqual(told("größe"));
  });
});

test("a model that tells no times of words is no secret where they were asked for", async () => {
  const untimed = expect.stringMatching(/^timestamps: the model tells no times of words/);
  const form = (fields: Record<string, string>) => audioForm("file", "untimed:hello", "a.wav", fields);
  const own = await send("/api/v1/transcribe/file", form({ return_timestamps: "true", langauge: "de" }));
  expect(own.body).toMatchObject({ timestamps: [], warnings: [...told("langauge"), untimed] });
  const file = await gateway.upload("untimed:hello");
  const many = { files: [{ file_id: file }, { file_id: file }], return_timestamps: true };
  expect((await gateway.post("/api/v1/transcribe", many)).body).toMatchObject({ warnings: [untimed] });
  const asked = form({ response_format: "verbose_json", "timestamp_granularities[]": "word" });
  const { body, headers } = await send("/v1/audio/transcriptions", asked);
  expect(body).toMatchObject({ text: "hello", words: [] });
  expect(JSON.parse(headers.get("parlance-warnings") ?? "")).toEqual([untimed]);
  const unasked = await send("/api/v1/transcribe/file", form({}));
  expect(unasked.body).not.toHaveProperty("warnings");
});
