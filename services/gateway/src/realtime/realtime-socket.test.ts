import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ScriptedIngest, sound, startScriptedIngest, textOf } from "../testing/scripted-ingest.ts";
import { openClient, type SocketClient } from "../testing/socket-client.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { commit, update } from "./testing/scripted-session.ts";

const T = "conversation.item.input_audio_transcription";
const RATE = 24_000;

let server: TestServer;
let gateway: TestGateway;
let ingest: ScriptedIngest;
beforeAll(async () => {
  server = await startTestServer();
  gateway = await startTestGateway(server);
  ingest = await startScriptedIngest(server);
});
beforeEach(() => {
  ingest.refuse = undefined;
});
afterAll(async () => {
  await gateway.close();
  await ingest.close();
  await server.stop();
});

const append = (audio: Buffer) => ({ type: "input_audio_buffer.append", audio: audio.toString("base64") });
const spoken = (seconds: number) => sound([[true, seconds]], RATE);

async function open(input: object = { turn_detection: null }, at = gateway): Promise<SocketClient & { id: string }> {
  const client = await openClient(`${at.url}/v1/realtime?intent=transcription`);
  const { session } = await client.next("session.created");
  client.send(update(input));
  await client.next("session.updated");
  return { ...client, id: String((session as { id: string }).id).slice("sess_".length) };
}

describe("a realtime session", () => {
  it("is a live session: what is committed is its utterance, told in deltas and as a whole", async () => {
    const client = await open({ turn_detection: null, transcription: { language: "de", prompt: "Berlin" } });
    for (const [n, seconds] of [2.2, 1.2].entries()) {
      client.send(append(spoken(seconds)));
      client.send(commit);
      const { item_id } = await client.next("input_audio_buffer.committed");
      const completed = await client.next(`${T}.completed`);
      const transcript = textOf(n, Math.floor(seconds / 0.5));
      expect(completed).toMatchObject({ item_id, transcript, languages: [{ code: "de" }] });
      const deltas = client.told.filter((event) => event.type === `${T}.delta` && event.item_id === item_id);
      expect(deltas.map(({ delta }) => delta).join("")).toBe(transcript);
      expect(deltas.length).toBeGreaterThan(1);
    }
    const session = ingest.sessions.get(client.id);
    expect(session).toMatchObject({
      options: { language: "German", context: "Berlin", turns: "none", contentType: "audio/pcm;rate=24000" },
      heard: 3.4 * RATE,
      signs: ["finalize", "finalize"],
    });
    client.ws.close();
    await client.ended;
  });

  it("may be changed while it goes on: what is taken away counts no more", async () => {
    const client = await open({ turn_detection: null, transcription: { prompt: "Berlin", keywords: ["Spree"] } });
    client.send(append(spoken(0.2)));
    await expect
      .poll(() => ingest.sessions.get(client.id))
      .toMatchObject({ options: { context: "Berlin", hotwords: ["Spree"] } });
    client.send(update({ transcription: { prompt: null, keywords: [] }, turn_detection: { type: "server_vad" } }));
    await client.next("session.updated");
    await expect
      .poll(() => ingest.sessions.get(client.id))
      .toMatchObject({ options: { context: "", hotwords: [], turns: "detect" }, signs: ["finalize", "update"] });
    client.ws.close();
    await client.ended;
  });

  it("that silence cuts tells where speech begins and ends", async () => {
    const client = await open({ turn_detection: { type: "server_vad" } });
    client.send(
      append(
        sound(
          [
            [false, 0.5],
            [true, 1],
            [false, 1],
          ],
          RATE,
        ),
      ),
    );
    expect(await client.next("input_audio_buffer.speech_started")).toMatchObject({ audio_start_ms: 500 });
    expect(await client.next("input_audio_buffer.speech_stopped")).toMatchObject({ audio_end_ms: 2_000 });
    expect(await client.next(`${T}.completed`)).toMatchObject({ transcript: textOf(0, 2), usage: { seconds: 1.5 } });
    client.ws.close();
    await client.ended;
  });

  it("takes a recording that is sent at once: its sender waits, and nothing is lost", async () => {
    const client = await open();
    client.send(append(spoken(17)));
    client.send(commit);
    expect(await client.next(`${T}.completed`)).toMatchObject({ transcript: textOf(0, 34) });
    expect(ingest.sessions.get(client.id)?.heard).toBe(17 * RATE);
    client.ws.close();
    await client.ended;
  });

  it("of a client that goes away is cancelled; of one whose gateway stops it is closed", async () => {
    const other = await startTestGateway(server);
    const [leaving, staying] = [await open(), await open({ turn_detection: null }, other)];
    for (const client of [leaving, staying]) {
      client.send(append(spoken(0.6)));
      await expect.poll(() => ingest.sessions.get(client.id)?.heard).toBe(0.6 * RATE);
    }
    leaving.ws.close();
    await expect.poll(() => ingest.sessions.get(leaving.id)).toMatchObject({ cancelled: true });
    await other.close();
    await expect.poll(() => ingest.sessions.get(staying.id)).toMatchObject({ cancelled: false, closed: true });
    expect((await staying.ended).code).toBe(1001);
  });

  it("that nobody takes is told why, and its socket is closed", async () => {
    const client = await open();
    const error = { code: "too_many_sessions" as const, message: "full" };
    ingest.refuse = { sessionId: client.id, at: 0, type: "refused", error };
    client.send(append(spoken(0.2)));
    client.send(commit);
    expect(await client.next(`${T}.failed`)).toMatchObject({ error });
    expect(await client.next("error")).toMatchObject({ error: { ...error, type: "invalid_request_error" } });
    expect(await client.ended).toEqual({ code: 1013, reason: "too_many_sessions" });
  });

  it("an idle one costs no live session", async () => {
    const before = ingest.sessions.size;
    const client = await open();
    client.send(commit);
    expect(await client.next("error")).toMatchObject({ error: { code: "input_audio_buffer_commit_empty" } });
    client.ws.send(new Uint8Array(10));
    expect(await client.next("error")).toMatchObject({ error: { code: "invalid_value" } });
    expect(ingest.sessions.size).toBe(before);
    client.ws.close();
    await client.ended;
  });
});

describe("the address", () => {
  it.each([
    "",
    "?model=whisper-1",
    "?intent=transcription",
    "?intent=transcription&model=gpt-4o-transcribe",
    "?model=gpt-realtime",
  ])("%j opens a transcription session", async (query) => {
    const protocols = ["realtime", "openai-insecure-api-key.some-key"];
    const client = await openClient(`${gateway.url}/v1/realtime${query}`, { protocols });
    expect(await client.next("session.created")).toMatchObject({ session: { type: "transcription" } });
    expect(client.ws.protocol).toBe("realtime");
    client.ws.close();
    await client.ended;
    expect(client.told.filter(({ type }) => type === "error")).toEqual([]);
  });

  it("of a call is refused", async () => {
    await expect(openClient(`${gateway.url}/v1/realtime?call_id=rtc_1`)).rejects.toMatchObject({
      status: 400,
      body: { error: { code: "operation_unavailable", param: "call_id" } },
    });
  });
});
