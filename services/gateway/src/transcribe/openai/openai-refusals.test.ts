/** What OpenAI's endpoints for audio refuse: as 400 with the field's name, in OpenAI's shape. The mission's own keep 422. */
import { errorBodySchema } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audioForm, startRig, startTestGateway, type TestGateway, type TestRig } from "../../testing/test-gateway.ts";

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

const send = (fields: Record<string, string>, path: string, audio = "say:x") =>
  gateway.json(path, { method: "POST", body: audioForm("file", audio, "a.wav", fields) });

describe.each(["/v1/audio/transcriptions", "/v1/audio/translations"])("%s", (path) => {
  const ofBoth: [param: string, fields: Record<string, string>][] = [
    ["response_format", { response_format: "diarized_json" }],
    ["response_format", { response_format: "lrc" }],
    ["temperature", { temperature: "7" }],
    ["temperature", { temperature: "warm" }],
    ["prompt", { prompt: "x".repeat(5_000) }],
    ["prompt", { prompt: "one", context: "another" }],
    ["model", { model: "m".repeat(300) }],
  ];
  const ofTranscriptions: [param: string, fields: Record<string, string>][] = [
    ["response_format", { timestamp_granularities: "word" }],
    ["timestamp_granularities", { response_format: "verbose_json", "timestamp_granularities[]": "phoneme" }],
    ["include", { "include[]": "logprobs", response_format: "verbose_json" }],
    ["include", { "include[]": "usage" }],
    ["stream", { stream: "perhaps" }],
    ["language", { language: "klingon" }],
    ["languages", { "languages[]": "klingon" }],
    ["chunking_strategy", { chunking_strategy: "never" }],
    ["chunking_strategy.threshold", { chunking_strategy: '{"type":"server_vad","threshold":2}' }],
    ["chunking_strategy.type", { "chunking_strategy[type]": "semantic_vad" }],
    ["known_speaker_names", { "known_speaker_names[]": "Ann" }],
    ["known_speaker_references", { "known_speaker_references[]": `data:audio/wav;base64,${"A".repeat(400_000)}` }],
  ];

  test.each(path.endsWith("translations") ? ofBoth : [...ofBoth, ...ofTranscriptions])(
    "refuses what cannot be by the name of the field, before any work: %s",
    async (param, fields) => {
      const before = rig.pipeline.seen.length;
      const { status, body, headers } = await send(fields, path);
      expect({ status, body }).toMatchObject({ status: 400, body: { error: { code: "validation_failed", param } } });
      expect(errorBodySchema.strict().parse(body).error.type).toBe("invalid_request_error");
      expect(Object.keys((body as { error: object }).error)).toEqual(["message", "type", "param", "code"]);
      expect(headers.get("x-should-retry")).toBe("false");
      expect(rig.pipeline.seen.length).toBe(before);
    },
  );

  test.each([
    ["audio_corrupt", 400, "file"],
    ["audio_unsupported", 400, "file"],
    ["audio_too_long", 400, "file"],
    ["audio_too_large", 413, "file"],
    ["language_unsupported", 400, null],
    ["engine_failed", 500, null],
  ])("audio that cannot be transcribed (%s) is %i, not to be tried again", async (code, expected, param) => {
    const { status, body, headers } = await send({}, path, `fail:${code}`);
    expect({ status, body }).toMatchObject({ status: expected, body: { error: { code, param } } });
    expect(headers.get("x-should-retry")).toBe("false");
    expect(headers.get("retry-after")).toBeNull();
  });

  test("no audio at all, and no file", async () => {
    expect(await send({}, path, "")).toMatchObject({
      status: 400,
      body: { error: { code: "audio_empty", param: "file" } },
    });
    const form = new FormData();
    form.append("model", "whisper-1");
    expect(await gateway.json(path, { method: "POST", body: form })).toMatchObject({
      status: 400,
      body: { error: { param: "file" } },
    });
  });

  test("the sentence of a format names those that there are", async () => {
    for (const response_format of ["lrc", "diarized_json"]) {
      const { body } = await send({ response_format }, path);
      expect(errorBodySchema.parse(body).error.message).toMatch(/must be one of json, text,.* verbose_json/);
    }
  });
});

test("what may go well the next time says when to come again", async () => {
  const hasty = await startTestGateway(rig.server, { REQUEST_TIMEOUT: "1" });
  const form = audioForm("file", "wait");
  const { status, headers } = await hasty.json("/v1/audio/transcriptions", { method: "POST", body: form });
  expect(status).toBe(504);
  expect(headers.get("x-should-retry")).toBe("true");
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  await hasty.close();
});
