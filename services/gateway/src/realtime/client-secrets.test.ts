import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClient } from "../testing/socket-client.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

const KEYS = { API_KEYS: "first-key,second-key" };
const first = { authorization: "Bearer first-key" };
const PATH = "/v1/realtime/client_secrets";

let server: TestServer;
let gateway: TestGateway;
let now = Date.now();
const opened: TestGateway[] = [];

async function start(environment: Record<string, string>): Promise<TestGateway> {
  const made = await startTestGateway(server, environment, { now: () => now });
  opened.push(made);
  return made;
}

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  gateway = await start(KEYS);
});
afterAll(async () => {
  for (const each of opened) await each.close();
  await server.stop();
});

interface Made {
  value: string;
  expires_at: number;
  session: { audio: { input: object } };
}

async function make(body: object = {}, headers: Record<string, string> = first, at = gateway): Promise<Made> {
  const answer = await at.post(PATH, body, headers);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body as Made;
}

async function created(at: TestGateway, key: string) {
  const client = await openClient(`${at.url}/v1/realtime`, { headers: { authorization: `Bearer ${key}` } });
  const { session } = await client.next("session.created");
  client.ws.close();
  await client.ended;
  return session;
}

const refusal = (at: TestGateway, key: string) =>
  created(at, key).then(
    () => undefined,
    (error: { status: number }) => error.status,
  );

describe("a client secret", () => {
  it("opens sessions that are as it says, several of them, at every gateway", async () => {
    const input = {
      format: { type: "audio/pcmu" },
      transcription: { language: "de", prompt: "Berlin" },
      turn_detection: null,
    };
    const { value, expires_at, session } = await make({ session: { type: "transcription", audio: { input } } });
    expect(value).toMatch(/^ek_[\w-]{43}$/);
    expect(expires_at).toBe(Math.floor(now / 1_000) + 600);
    expect(session).toMatchObject({
      object: "realtime.transcription_session",
      type: "transcription",
      audio: { input: { ...input, format: { type: "audio/pcmu", rate: 8_000 } } },
    });
    const other = await start(KEYS);
    for (const at of [gateway, other, gateway]) expect(await created(at, value)).toMatchObject({ audio: { input } });
  });

  it("lies nowhere as it is", async () => {
    const { value } = await make();
    const keys = await gateway.bus
      .bucket({ bucket: "batches", prefix: "", schema: (await import("zod")).unknown() })
      .keys(">");
    expect(keys.some((key) => key.startsWith("secret."))).toBe(true);
    expect(keys.join()).not.toContain(value.slice(3));
  });

  it("is a key to nothing else", async () => {
    const { value } = await make();
    const headers = { authorization: `Bearer ${value}` };
    expect((await gateway.post(PATH, {}, headers)).status).toBe(401);
    expect((await gateway.json("/v1/models", { headers })).status).toBe(401);
  });

  it("ends when it expires, not before; and with the key that it was made with", async () => {
    const { value, expires_at } = await make({ expires_after: { anchor: "created_at", seconds: 10 } });
    expect(expires_at).toBe(Math.floor(now / 1_000) + 10);
    const withoutFirst = await start({ API_KEYS: "second-key" });
    expect(await refusal(withoutFirst, value)).toBe(401);
    now += 9_999;
    expect(await refusal(gateway, value)).toBeUndefined();
    now += 1;
    expect(await refusal(gateway, value)).toBe(401);
  });

  it.each(["ek_", `ek_${"a".repeat(43)}`, "ek_../batch.x", "third-key"])(
    "that nobody made opens nothing: %s",
    async (value) => {
      expect(await refusal(gateway, value)).toBe(401);
    },
  );

  it("of a gateway without keys works there too, and one that is none is refused all the same", async () => {
    const open = await start({});
    const { value } = await make({ session: { audio: { input: { turn_detection: null } } } }, {}, open);
    expect(await created(open, value)).toMatchObject({ audio: { input: { turn_detection: null } } });
    expect(await refusal(open, `ek_${"b".repeat(43)}`)).toBe(401);
    expect(await refusal(gateway, value)).toBe(401);
  });

  it.each([
    [{ session: { type: "realtime", model: "gpt-realtime" } }, "session.type"],
    [{ expires_after: { seconds: 9 } }, "expires_after.seconds"],
    [{ expires_after: { seconds: 7_201 } }, "expires_after.seconds"],
    [{ expires_after: { anchor: "now" } }, "expires_after.anchor"],
    [
      { session: { audio: { input: { format: { type: "audio/pcm", rate: 16_000 } } } } },
      "session.audio.input.format.rate",
    ],
  ])("is not made of %j", async (body, param) => {
    expect(await gateway.post(PATH, body, first)).toMatchObject({
      status: 400,
      body: { error: { type: "invalid_request_error", param } },
    });
  });

  it("is made for older clients in their words", async () => {
    const body = {
      input_audio_format: "g711_alaw",
      turn_detection: null,
      client_secret: { expires_at: { seconds: 60 } },
    };
    const { status, body: answer } = await gateway.post("/v1/realtime/transcription_sessions", body, first);
    expect({ status, answer }).toMatchObject({
      status: 200,
      answer: {
        object: "realtime.transcription_session",
        input_audio_format: "g711_alaw",
        turn_detection: null,
        client_secret: { expires_at: Math.floor(now / 1_000) + 60 },
      },
    });
    const { value } = (answer as { client_secret: Made }).client_secret;
    expect(await created(gateway, value)).toMatchObject({
      audio: { input: { format: { type: "audio/pcma", rate: 8_000 } } },
    });
  });
});
