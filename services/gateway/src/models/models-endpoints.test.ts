import { answerAsWorker } from "@parlance/bus/testing";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

let server: TestServer;
let gateway: TestGateway;

const abilities = { context: true, translates: true, logprobs: false };

beforeAll(async () => {
  server = await startTestServer();
  gateway = await startTestGateway(server);
  await answerAsWorker(gateway.bus, { worker: "a", family: "asr", model: "openai/whisper-tiny", ...abilities });
  await answerAsWorker(gateway.bus, { worker: "b", family: "tts", model: "parlance-voice" });
});
afterAll(async () => {
  await gateway.close();
  await server.stop();
});

test("the list has what OpenAI's clients read", async () => {
  const { body } = await gateway.json("/v1/models");
  const common = { object: "model", created: expect.any(Number), owned_by: "parlance" };
  expect(body).toMatchObject({
    object: "list",
    data: [
      { ...common, id: "openai/whisper-tiny", family: "asr", ...abilities },
      { ...common, id: "parlance-voice", family: "tts" },
    ],
  });
  // Of a voice nothing is told that is a recogniser's.
  expect(
    Object.keys(z.object({ data: z.array(z.record(z.string(), z.unknown())) }).parse(body).data[1] ?? {}),
  ).not.toContain("logprobs");
});

test.each(["openai%2Fwhisper-tiny", "openai%2fwhisper-tiny", "openai/whisper-tiny"])(
  "a model is there under %s",
  async (id) => {
    const { status, body } = await gateway.json(`/v1/models/${id}`);
    expect({ status, body }).toMatchObject({ status: 200, body: { id: "openai/whisper-tiny", object: "model" } });
  },
);

test.each(["whisper-tiny", "openai", "openai%2Fwhisper-tiny%2F..", "%E0%A4%A", `${"x".repeat(3_000)}`])(
  "no model is there under %.40s",
  async (id) => {
    const { status, body, headers } = await gateway.json(`/v1/models/${id}`);
    expect({ status, body }).toMatchObject({
      status: 404,
      body: { error: { code: "model_not_found", param: "model", type: "invalid_request_error" } },
    });
    expect(headers.get("x-should-retry")).toBe("false");
  },
);
