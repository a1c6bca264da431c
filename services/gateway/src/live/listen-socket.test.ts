import { createHash } from "node:crypto";
import { DeepgramClient } from "@deepgram/sdk";
import { describe, expect, test } from "vitest";
import { speak, toldOf, useLiveSockets } from "../testing/live-socket-rig.ts";
import { sound, textOf } from "../testing/scripted-ingest.ts";
import { openClient } from "../testing/socket-client.ts";
import { startTestGateway } from "../testing/test-gateway.ts";

/** On a machine that is busy too. */
const soon = { timeout: 20_000 };
const rig = useLiveSockets({ API_KEYS: "first-key" });
const connect = (query: string) =>
  rig.connect(`/v1/listen?${query}`, { headers: { Authorization: "Token first-key" } });

test("Deepgram's own client transcribes with no more than another host and key", async () => {
  const client = new DeepgramClient({ apiKey: "first-key", baseUrl: rig.gateway.url.replace("http", "ws") });
  const socket = await client.listen.v1.connect({
    Authorization: "Token first-key",
    model: "nova-3",
    ...{ encoding: "linear16", sample_rate: 16_000, language: "en-US", smart_format: "true", punctuate: "true" },
    ...{ interim_results: "true", vad_events: "true", endpointing: 300 },
    reconnectAttempts: 0,
  });
  const told: { type: string }[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<number>();
  socket.on("message", (message) => told.push(message));
  socket.on("close", ({ code }) => resolve(code));
  socket.connect();
  await socket.waitForOpen();
  const audio = sound([
    [true, 1],
    [false, 1],
    [true, 0.5],
  ]);
  for (let at = 0; at < audio.length; at += 3_200) socket.sendMedia(audio.subarray(at, at + 3_200));
  socket.sendKeepAlive({ type: "KeepAlive" });
  socket.sendFinalize({ type: "Finalize" });
  await expect.poll(() => told.filter((message) => "is_final" in message && message.is_final).length, soon).toBe(2);
  socket.sendCloseStream({ type: "CloseStream" });
  expect(await closed).toBe(1000);

  const word = (utterance: number, n: number, start: number) => ({
    ...{ word: `u${utterance}w${n}`, punctuated_word: `u${utterance}w${n}`, start, end: start + 0.5, confidence: 0.9 },
  });
  expect(told.filter((message) => "is_final" in message && message.is_final)).toMatchObject([
    {
      ...{ type: "Results", channel_index: [0, 1], start: 0, duration: 1.5, speech_final: true, from_finalize: false },
      channel: {
        alternatives: [{ transcript: textOf(0, 2), confidence: 0.9, words: [word(0, 0, 0), word(0, 1, 0.5)] }],
      },
      metadata: { model_info: { name: "fake" } },
    },
    {
      ...{ type: "Results", start: 2, duration: 0.5, speech_final: true, from_finalize: true },
      channel: { alternatives: [{ transcript: textOf(1, 1), words: [word(1, 0, 2)] }] },
    },
  ]);
  expect(told).toContainEqual({ type: "SpeechStarted", channel: [0, 1], timestamp: 2 });
  expect(told.some((message) => "is_final" in message && message.is_final === false)).toBe(true);
  expect(told.at(-1)).toMatchObject({
    ...{ type: "Metadata", duration: 2.5, channels: 1, sha256: createHash("sha256").update(audio).digest("hex") },
  });
});

describe("what is asked for", () => {
  test("reaches the session; what nobody here has is passed over", async () => {
    const query = "model=nova-3&encoding=mulaw&sample_rate=8000&channels=1&language=multi&endpointing=10&keyterm=NATS";
    const client = await connect(`${query}&keywords=Parlance:2&tag=a&tag=b&diarize=true`);
    client.send(Buffer.concat([Buffer.alloc(8_000, 1), Buffer.alloc(8_000, 0)]));
    const final = await client.next("Results");
    expect(final).toMatchObject({ is_final: true, start: 0, duration: 1.5 });
    expect(toldOf(client, "SpeechStarted")).toEqual([]);
    const [session] = [...rig.ingest.sessions.values()].slice(-1);
    expect(session?.options).toMatchObject({
      ...{ contentType: "audio/mulaw;rate=8000", language: "auto", silenceMs: 100, partials: false },
      ...{ hotwords: ["NATS", "Parlance"], timestamps: true },
    });
  });

  test.each([
    ["encoding=flac", "encoding"],
    ["encoding=linear16&channels=2", "channels"],
    ["encoding=linear16&language=klingon", "language"],
    ["encoding=linear16&utterance_end_ms=10", "utterance_end_ms"],
    ["model=nova-3", "encoding"],
  ])("%s is refused before the upgrade", async (query, param) => {
    await expect(connect(query)).rejects.toMatchObject({ status: 422, body: { error: { param } } });
  });
});

test("without endpointing no result is the end of speech", async () => {
  const client = await connect("encoding=linear16&endpointing=false");
  speak(
    client,
    sound([
      [true, 1],
      [false, 1],
    ]),
  );
  expect(await client.next("Results")).toMatchObject({ is_final: true, speech_final: false });
});

test("Finalize is answered, also where nothing was said", async () => {
  const client = await connect("encoding=linear16");
  speak(
    client,
    sound([
      [true, 1],
      [false, 1],
    ]),
  );
  await client.next("Results");
  client.send({ type: "Finalize" });
  expect(await client.next("Results")).toMatchObject({
    ...{ is_final: true, speech_final: true, from_finalize: true },
    channel: { alternatives: [{ transcript: "", words: [] }] },
  });
  speak(client, sound([[true, 1]]));
  client.send({ type: "Finalize" });
  expect(await client.next("Results")).toMatchObject({
    ...{ from_finalize: true, channel: { alternatives: [{ transcript: textOf(1, 2) }] } },
  });
  client.send({ type: "CloseStream" });
  await client.next("Metadata");
  expect(toldOf(client, "Results")).toHaveLength(3);
});

test("the end of an utterance is told once, that long after its last word", async () => {
  const client = await connect("encoding=linear16&interim_results=true&utterance_end_ms=1500");
  speak(
    client,
    sound([
      [true, 1],
      [false, 1],
    ]),
  );
  await client.next("Results");
  expect(toldOf(client, "UtteranceEnd")).toEqual([]);
  speak(client, sound([[false, 3]]));
  expect(await client.next("UtteranceEnd")).toEqual({ type: "UtteranceEnd", channel: [0, 1], last_word_end: 1 });
  client.send({ type: "CloseStream" });
  await client.next("Metadata");
  expect(toldOf(client, "UtteranceEnd")).toHaveLength(1);
});

test("what a caller does wrong is told as Error, and a closed socket cancels", async () => {
  const client = await connect("encoding=linear16");
  client.ws.send("hello");
  expect(await client.next("Error")).toMatchObject({ variant: "invalid_json" });
  speak(client, sound([[true, 1]]));
  const newest = () => [...rig.ingest.sessions.values()].at(-1);
  await expect.poll(() => newest()?.heard, soon).toBe(16_000);
  client.ws.terminate();
  await expect.poll(() => newest()?.cancelled, soon).toBe(true);
});

test("neither audio nor KeepAlive for too long ends it, as Deepgram says so", async () => {
  const impatient = await startTestGateway(rig.server, {}, { limits: { silentMs: 200 } });
  const client = await openClient(`${impatient.url}/v1/listen?encoding=linear16`);
  speak(client, sound([[true, 1]]));
  for (let n = 0; n < 4; n += 1) {
    client.send({ type: "KeepAlive" });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(toldOf(client, "Error")).toEqual([]);
  expect(await client.next("Error")).toMatchObject({ variant: "session_idle" });
  expect(await client.next("Results")).toMatchObject({ is_final: true });
  expect(await client.ended).toEqual({ code: 1011, reason: "NET-0001" });
  await impatient.close();
});
