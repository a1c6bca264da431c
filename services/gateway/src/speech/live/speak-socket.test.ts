/** Sockets that speak, as a program has them: real NATS, real results, and sentences whose sound is known. */
import { connectBus } from "@parlance/bus";
import { answerAsWorker } from "@parlance/bus/testing";
import { streams, subjects } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAKE_SOUND } from "../../testing/fake-pipeline.ts";
import { openClient, Refused, type SocketClient } from "../../testing/socket-client.ts";
import { eventually, startRig, startTestGateway, type TestGateway, type TestRig } from "../../testing/test-gateway.ts";

let rig: TestRig;
let gateway: TestGateway;
let stopWorker: () => Promise<void>;
const clients: SocketClient[] = [];

beforeAll(async () => {
  rig = await startRig();
  const bus = await connectBus({ name: "worker", ...rig.server.as() });
  await answerAsWorker(bus, {
    operations: ["custom_voice"],
    languages: ["English"],
    voices: [{ id: "slt", name: "SLT", gender: "female", language: "English" }],
    defaultVoice: "slt",
    instructions: false,
  });
  stopWorker = bus.close;
  gateway = await startTestGateway(rig.server);
});
afterAll(async () => {
  for (const { ws } of clients) ws.terminate();
  await gateway.close();
  await stopWorker();
  await rig.close();
});

async function open(query = "format=wav"): Promise<SocketClient> {
  const client = await openClient(`${gateway.url}/ws/speak?${query}`);
  clients.push(client);
  return client;
}

const say = (client: SocketClient, ...pieces: string[]) => {
  for (const text of pieces) client.send({ type: "text", text });
};
const typesOf = ({ told }: SocketClient) => told.map(({ type }) => String(type));
/** What was heard so far, as bytes. */
const heard = ({ told }: SocketClient) =>
  Buffer.concat(told.flatMap(({ data }) => (data instanceof Uint8Array ? [data] : [])));
const submissions = () => rig.pipeline.seen.map(({ data }) => JSON.parse(data.toString()));
const batchOf = (text: string) =>
  rig.pipeline.seen.find(({ data }) => data.includes(text))?.subject.split(".")[3] ?? "none";
const silence = (ms: number) => Buffer.alloc((2 * ms * FAKE_SOUND.sampleRate) / 1_000);
const sound = Buffer.from(FAKE_SOUND.samples.buffer);
const errorOf = (message: Record<string, unknown>) => ({ n: message.n, ...(message.error as object) });

describe("/ws/speak", () => {
  test("speaks sentences as they complete, each in order, as one stream with their pauses", async () => {
    const client = await open();
    expect(await client.next("ready")).toMatchObject({ format: "wav" });
    say(client, "This is the fi", "rst sentence.", " This is the ", "second");
    expect(await client.next("sentence")).toMatchObject({ n: 0, text: "This is the first sentence." });
    expect(await client.next("audio_end")).toMatchObject({ n: 0, seconds: 0.5 });
    say(client, " one.\n\nAnd the", " last");
    client.send({ type: "flush" });
    await client.next("done");
    const texts = client.told.filter(({ type }) => type === "sentence").map(({ text }) => text);
    expect(texts).toEqual(["This is the first sentence.", "This is the second one.", "And the last"]);
    const bytes = heard(client);
    expect(bytes.subarray(0, 4).toString()).toBe("RIFF");
    expect(bytes.subarray(44).equals(Buffer.concat([sound, silence(350), sound, silence(700), sound]))).toBe(true);
    const types = typesOf(client);
    expect(types.indexOf("bytes")).toBeGreaterThan(types.indexOf("sentence"));
    expect(types.at(-1)).toBe("done");
    client.ws.close();
  });

  test("submits them on the realtime lane, as they were asked for, labelled by their socket", async () => {
    const client = await open("voice=alloy&speed=1.5&language=en&seed=7&langauge=en");
    const { session_id: session, sample_rate: rate, seed, warnings } = await client.next("ready");
    expect([rate, seed, warnings]).toEqual([24_000, 7, ["langauge: is not known here and was ignored"]]);
    say(client, "Quite by itself.");
    client.send({ type: "close" });
    expect(await client.ended).toEqual({ code: 1000, reason: "" });
    expect(typesOf(client).at(-1)).toBe("done");
    expect(submissions().find(({ label }) => label === session)).toMatchObject({
      lane: "realtime",
      items: [
        {
          itemId: "0",
          operation: "custom_voice",
          text: "Quite by itself.",
          speed: 1.5,
          seed: 7,
          language: "English",
          parts: true,
        },
      ],
    });
    // 24 kHz, whatever the model's rate.
    expect(heard(client).length).toBe(24_000);
  });

  test("sends sound of a sentence before it is whole", async () => {
    const client = await open();
    say(client, "wait");
    client.send({ type: "flush" });
    await client.next("sentence");
    const batch = await eventually(async () => (batchOf('"wait"') === "none" ? undefined : batchOf('"wait"')));
    const { bus } = rig.pipeline;
    const part = sound.subarray(0, 6_000);
    bus.publish(subjects.sound(batch, "0", 0), part, [
      ["Parlance-Sample-Rate", "16000"],
      ["Parlance-Position", "0"],
    ]);
    await eventually(async () => (heard(client).length >= 44 + part.length ? true : undefined));
    expect(heard(client).subarray(44)).toEqual(part);
    expect(typesOf(client)).not.toContain("audio_end");
    // The rest was told to nobody: it is stored.
    await rig.pipeline.saySegment(batch, "0", 0, true);
    await client.next("done");
    expect(heard(client).subarray(44).equals(sound)).toBe(true);
    client.ws.close();
  });

  test("an interruption drops what is not spoken, cancels it, and what comes then is spoken", async () => {
    const client = await open();
    say(client, "Hold this one |wait\n\nThis one comes later. And th");
    await client.next("bytes");
    client.send({ type: "cancel" });
    expect(await client.next("cancelled")).toEqual({ type: "cancelled", sentences: [0, 1] });
    for (const text of ["Hold this one", "This one comes later"]) {
      const done = await eventually(() => rig.pipeline.bus.last(streams.results, subjects.done(batchOf(text), "0")));
      const { status, error } = JSON.parse(Buffer.from(done.data).toString());
      // The second one may have been whole by then.
      if (text === "Hold this one" || status !== "done") expect(error).toMatchObject({ code: "cancelled" });
    }
    const before = client.told.length;
    say(client, "What did you say?");
    client.send({ type: "flush" });
    await client.next("done");
    const after = client.told.slice(before).filter(({ type }) => type === "sentence");
    expect(after.map(({ text }) => text)).toEqual(["What did you say?"]);
    client.ws.close();
  });

  test("a caller that leaves cancels what is underway", async () => {
    const client = await open();
    say(client, "Leaving now |wait");
    client.send({ type: "flush" });
    await client.next("bytes");
    client.ws.terminate();
    const batch = batchOf("Leaving now");
    const done = await eventually(() => rig.pipeline.bus.last(streams.results, subjects.done(batch, "0")));
    expect(JSON.parse(Buffer.from(done.data).toString())).toMatchObject({ error: { code: "cancelled" } });
  });

  test("a sentence that cannot be said is told by its number, and the next one is spoken", async () => {
    const client = await open();
    say(client, "fail:text_too_long");
    client.send({ type: "flush" });
    const error = await client.next("error");
    expect(errorOf(error)).toMatchObject({ n: 0, code: "text_too_long", param: "text" });
    await client.next("done");
    say(client, "This goes well.");
    client.send({ type: "flush" });
    expect(await client.next("audio_end")).toMatchObject({ n: 1 });
    client.ws.close();
  });

  test("a sentence that does not come in time is told and cancelled, and the socket goes on", async () => {
    const hasty = await startTestGateway(rig.server, { REQUEST_TIMEOUT: "1" });
    const client = await openClient(`${hasty.url}/ws/speak`);
    clients.push(client);
    say(client, "Never heard of again |wait");
    client.send({ type: "flush" });
    expect(errorOf(await client.next("error"))).toMatchObject({ n: 0, code: "request_timeout" });
    await client.next("done");
    const batch = batchOf("Never heard of again");
    const done = await eventually(() => rig.pipeline.bus.last(streams.results, subjects.done(batch, "0")));
    expect(JSON.parse(Buffer.from(done.data).toString())).toMatchObject({ error: { code: "cancelled" } });
    client.ws.close();
    await hasty.close();
  });

  test("what makes no sense is told by its field, and the socket goes on", async () => {
    const client = await open();
    client.ws.send("no JSON");
    expect(errorOf(await client.next("error"))).toMatchObject({ code: "invalid_json" });
    client.send({ type: "sing" });
    expect(errorOf(await client.next("error"))).toMatchObject({ code: "validation_failed", param: "type" });
    client.send({ type: "text" });
    expect(errorOf(await client.next("error"))).toMatchObject({ code: "validation_failed", param: "text" });
    say(client, "It goes on and on. ".repeat(1_000));
    expect(errorOf(await client.next("error"))).toMatchObject({ code: "session_behind", param: "text" });
    client.send({ type: "close" });
    say(client, "Late.");
    await client.next("done");
    expect(await client.ended).toMatchObject({ code: 1000 });
  });

  test.each([
    ["voice=nobody", 400, "voice_unknown", "voice"],
    ["format=aac", 400, "format_unsupported", "format"],
    ["speed=9", 422, "validation_failed", "speed"],
    ["seed=x", 422, "validation_failed", "seed"],
    ["language=de", 422, "language_unsupported", "language"],
    ["instructions=sadly", 400, "instructions_unsupported", "instructions"],
  ])("%s is refused before anything is upgraded, with the field", async (query, status, code, param) => {
    const refused = await open(query).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refused);
    expect(refused).toMatchObject({ status, body: { error: { code, param } } });
  });
});
