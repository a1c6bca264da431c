import { type BatchRecord, subjects, timedId } from "@parlance/contracts";
import { describe, expect, test } from "vitest";
import { speak, toldOf, useLiveSockets } from "../testing/live-socket-rig.ts";
import { sound, textOf } from "../testing/scripted-ingest.ts";
import { openClient, Refused, type SocketClient, type Told } from "../testing/socket-client.ts";
import { startTestGateway } from "../testing/test-gateway.ts";

/** On a machine that is busy too. */
const soon = { timeout: 20_000 };
const rig = useLiveSockets();
const connect = (query = "", to = rig.gateway) => rig.connect(`/ws/transcribe${query}`, {}, to);

async function ready(client: SocketClient) {
  const told = await client.next("ready");
  const id = String(told.session);
  const session = () => {
    const found = rig.ingest.sessions.get(id);
    if (found === undefined) throw new Error("nobody heard of the session");
    return found;
  };
  return { id, session, told };
}

/** A session begins with its first audio: here silence. */
async function begun(client: SocketClient) {
  const known = await ready(client);
  client.send(Buffer.alloc(3_200));
  await expect.poll(() => rig.ingest.sessions.get(known.id)?.heard, soon).toBe(1_600);
  return { ...known, session: known.session() };
}

const bare = ({ seq: _, ...message }: Told) => message;

describe("a session", () => {
  test("is told from its first word to its last", async () => {
    const client = await connect("?timestamps=true");
    const { id, told } = await ready(client);
    expect(told).toEqual({ type: "ready", session: id, position: 0, encoding: "pcm", sample_rate: 16_000, seq: 0 });
    speak(
      client,
      sound([
        [false, 1],
        [true, 1.5],
        [false, 1],
        [true, 1],
      ]),
    );
    client.send({ type: "CloseStream" });
    expect(await client.ended).toEqual({ code: 1000, reason: "" });

    expect(toldOf(client, "speech_started").map(bare)).toEqual([
      { type: "speech_started", utterance: 0, start: 1 },
      { type: "speech_started", utterance: 1, start: 3.5 },
    ]);
    expect(toldOf(client, "partial").map(bare)).toContainEqual({
      ...{ type: "partial", utterance: 0, text: textOf(0, 2), stable: 5, start: 1, end: 2, language: "English" },
    });
    const word = (utterance: number, n: number, start: number) => ({
      ...{ text: `u${utterance}w${n}`, start, end: start + 0.5, confidence: 0.9 },
    });
    expect(toldOf(client, "final").map(bare)).toEqual([
      {
        ...{ type: "final", utterance: 0, text: textOf(0, 3), start: 1, end: 3, language: "English" },
        words: [word(0, 0, 1), word(0, 1, 1.5), word(0, 2, 2)],
      },
      {
        ...{ type: "final", utterance: 1, text: textOf(1, 2), start: 3.5, end: 4.5, language: "English" },
        words: [word(1, 0, 3.5), word(1, 1, 4)],
      },
    ]);
    expect(client.told.at(-1)).toMatchObject({ type: "done", seconds: 4.5, utterances: 2 });
    expect(client.told.map(({ seq }) => seq)).toEqual(client.told.map((_, n) => n));
    // What is stable of a partial is there in all later ones.
    for (const utterance of [0, 1]) {
      const texts = toldOf(client, "partial").filter((message) => message.utterance === utterance);
      for (const [n, { text, stable }] of texts.entries()) {
        const kept = String(text).slice(0, Number(stable));
        for (const later of texts.slice(n)) expect(String(later.text).startsWith(kept)).toBe(true);
      }
    }
  });

  test("asks for what its query says", async () => {
    const client = await connect(
      "?sample_rate=48000&encoding=linear16&language=de&hotwords=Parlance,NATS&phrases=yes%2C%20please&phrases=no&prompt=weather" +
        "&partials=false&silence_ms=700&prefix_ms=200&threshold=0.6&turns=none&custom_id=call-7&langauge=en",
    );
    const { told, session } = await ready(client);
    expect(told).toMatchObject({ sample_rate: 48_000, warnings: ["langauge: is not known here and was ignored"] });
    speak(
      client,
      sound(
        [
          [true, 1],
          [false, 1],
        ],
        48_000,
      ),
      9_600,
    );
    expect(bare(await client.next("final"))).toEqual({
      ...{ type: "final", utterance: 0, text: textOf(0, 2), start: 0, end: 1.5, language: "German" },
    });
    expect(session().options).toMatchObject({
      ...{ contentType: "audio/pcm;rate=48000", language: "German", hotwords: ["Parlance", "NATS"] },
      ...{ phrases: ["yes, please", "no"], context: "weather", partials: false, silenceMs: 700, prefixMs: 200 },
      ...{ threshold: 0.6, turns: "none", customId: "call-7", timestamps: false },
    });
    expect(toldOf(client, "partial")).toEqual([]);
  });

  test.each([
    ["mulaw", 8_000],
    ["alaw", 8_000],
  ])("takes %s", async (encoding, rate) => {
    const client = await connect(`?encoding=${encoding}`);
    const { session } = await ready(client);
    client.send(Buffer.concat([Buffer.alloc(rate, 1), Buffer.alloc(rate, 0)]));
    expect(await client.next("final")).toMatchObject({ text: textOf(0, 2), end: 1.5 });
    expect(session().format).toEqual({ encoding, rate });
  });

  test("takes samples that are cut in two", async () => {
    const client = await connect();
    const { session } = await ready(client);
    speak(
      client,
      sound([
        [true, 1],
        [false, 0.6],
      ]),
      333,
    );
    expect(await client.next("final")).toMatchObject({ text: textOf(0, 2), start: 0, end: 1.5 });
    expect(session().heard).toBe(25_600);
  });

  test("goes on after Finalize, and is not heard on by KeepAlive", async () => {
    const client = await connect();
    const { session } = await ready(client);
    speak(client, sound([[true, 1]]));
    client.send({ type: "finalize" });
    expect(await client.next("speech_stopped")).toMatchObject({ utterance: 0, end: 1, cause: "finalize" });
    expect(await client.next("final")).toMatchObject({ utterance: 0, text: textOf(0, 2), end: 1 });
    for (const type of ["KeepAlive", "keep_alive", "KEEPALIVE"]) client.send({ type });
    speak(client, sound([[true, 0.5]]));
    client.send(new Uint8Array());
    expect(await client.next("final")).toMatchObject({ utterance: 1, start: 1, end: 1.5 });
    expect(await client.next("done")).toMatchObject({ seconds: 1.5, utterances: 2 });
    expect(session()).toMatchObject({ keptAlive: 3, heard: 24_000 });
  });

  test("tells finals in the order of their utterances, and those of which no subscription told", async () => {
    const client = await connect();
    const { id } = await begun(client);
    const record: BatchRecord["items"] = [0, 1, 2].map((n) => ({
      ...{ itemId: String(n), operation: "transcribe", start: n * 16_000, samples: 8_000 },
    }));
    await rig.ingest.notebook.revise(id, (before) => ({ ...before, items: record }));
    const done = (itemId: string, text: string) =>
      rig.ingest.bus.publishOnce(
        subjects.done(id, itemId),
        JSON.stringify({
          ...{ batchId: id, itemId, operation: "transcribe", status: "done", finishedAt: 1 },
          transcript: { text, language: "" },
        }),
      );
    await done("2", "third");
    await done("1", "second");
    await done("0", "first");
    await client.next("final");
    await client.next("final");
    await client.next("final");
    expect(toldOf(client, "final").map(({ text, start, end }) => [text, start, end])).toEqual([
      ["first", 0, 0.5],
      ["second", 1, 1.5],
      ["third", 2, 2.5],
    ]);
  });
});

test("a socket that says nothing is no session, and ends as one would", async () => {
  const before = rig.ingest.sessions.size;
  const client = await connect();
  const { id } = await ready(client);
  client.send({ type: "KeepAlive" });
  client.send({ type: "Finalize" });
  client.send({ type: "CloseStream" });
  expect(await client.next("done")).toMatchObject({ seconds: 0, utterances: 0 });
  expect(await client.ended).toEqual({ code: 1000, reason: "" });
  expect(rig.ingest.sessions.size).toBe(before);
  expect(rig.ingest.sessions.has(id)).toBe(false);
});

describe("its end", () => {
  test("comes with its socket's, at once: nobody wants what is not final", async () => {
    const client = await connect();
    const { session } = await ready(client);
    speak(client, sound([[true, 2]]));
    await client.next("partial");
    client.ws.close();
    // Some milliseconds on a machine that has nothing else to do: nothing is waited for.
    await expect.poll(() => session().cancelled, { interval: 2, timeout: 5_000 }).toBe(true);
  });

  test("does not come with its socket's where it is to go on, nor when the gateway stops", async () => {
    const kept = await connect("?resume=true");
    const { session } = await begun(kept);
    kept.ws.terminate();
    const second = await startTestGateway(rig.server);
    const stopped = await connect("", second);
    const other = await begun(stopped);
    await second.close();
    expect(await stopped.ended).toMatchObject({ code: 1001 });
    // Somebody who comes later is cancelled by then.
    const last = await connect();
    const { session: cancelled } = await begun(last);
    last.ws.terminate();
    await expect.poll(() => cancelled.cancelled, soon).toBe(true);
    expect([session.cancelled, session.closed, other.session.closed]).toEqual([false, false, false]);
  });

  test("is told with its reason", async () => {
    const client = await connect();
    const { id, session } = await begun(client);
    session.closed = true;
    const error = { code: "session_idle", message: "No audio came." };
    const closed = { type: "closed", sessionId: id, at: 1, seconds: 2, utterances: 0, error };
    rig.ingest.bus.publish(subjects.liveState(id), JSON.stringify(closed));
    expect(await client.next("error")).toMatchObject(error);
    expect(await client.next("done")).toMatchObject({ seconds: 2, utterances: 0 });
    expect(await client.ended).toEqual({ code: 1008, reason: "session_idle" });
  });

  test("is at once where no more sessions are taken", async () => {
    const error = { code: "too_many_sessions" as const, message: "As many as may be." };
    rig.ingest.refuse = { type: "closed", sessionId: "x", at: 1, seconds: 0, utterances: 0, error };
    const client = await connect();
    client.send(Buffer.alloc(3_200));
    expect(await client.next("error")).toMatchObject(error);
    expect(await client.ended).toEqual({ code: 1013, reason: "too_many_sessions" });
    rig.ingest.refuse = undefined;
  });
});

describe("what a caller does wrong", () => {
  test.each([
    ["?encoding=mp3", "encoding"],
    ["?sample_rate=96000", "sample_rate"],
    ["?language=klingon", "language"],
    ["?timestamps=perhaps", "timestamps"],
    ["?silence_ms=5", "silence_ms"],
    ["?context=a&prompt=b", "prompt"],
  ])("in the query %s is told by its name", async (query, param) => {
    const client = await connect(query);
    expect(await client.next("error")).toMatchObject({ code: "validation_failed", param });
    expect(await client.ended).toMatchObject({ code: 1008 });
  });

  test("in a message is told, and the session goes on", async () => {
    const client = await connect("?encoding=opus");
    await ready(client);
    client.ws.send("not json");
    client.send({ type: "Start" });
    client.send(new Uint8Array([0xff, 0xff]));
    expect(await client.next("error")).toMatchObject({ code: "invalid_json" });
    expect(await client.next("error")).toMatchObject({ code: "validation_failed", param: "type" });
    expect(await client.next("error")).toMatchObject({ code: "frame_invalid" });
    client.send({ type: "CloseStream" });
    expect(await client.ended).toMatchObject({ code: 1000 });
  });

  test("sending faster than it can be heard ends it, and what was heard is told", async () => {
    const client = await connect();
    await ready(client);
    speak(
      client,
      sound([
        [true, 1],
        [false, 60],
      ]),
      32_000,
    );
    expect(await client.next("error")).toMatchObject({ code: "session_behind" });
    expect(await client.next("final")).toMatchObject({ text: textOf(0, 2) });
    const { seconds } = await client.next("done");
    expect(Number(seconds)).toBeGreaterThanOrEqual(19);
    expect(Number(seconds)).toBeLessThan(30);
    expect(await client.ended).toEqual({ code: 1013, reason: "session_behind" });
  });

  test("a message over 64 kB: 1009", async () => {
    const client = await connect();
    client.send(new Uint8Array(65_538));
    expect(await client.ended).toMatchObject({ code: 1009 });
  });

  test("asking where transcription is switched off is refused before the upgrade", async () => {
    const off = await startTestGateway(rig.server, { ENABLE_ASR: "false" });
    await expect(openClient(`${off.url}/ws/transcribe`)).rejects.toThrow(Refused);
    await off.close();
  });
});

describe("whoever comes back", () => {
  test("gets the finals since, and goes on from where nothing is final; no word is lost or doubled", async () => {
    const audio = sound([
      [true, 1],
      [false, 1],
      [true, 3],
      [false, 1],
    ]);
    const first = await connect("?resume=true&words=1");
    const { id, session } = await ready(first);
    speak(first, audio.subarray(0, 32_000 * 4));
    expect(await first.next("final")).toMatchObject({ utterance: 0 });
    await expect.poll(() => session().heard, soon).toBe(64_000);
    first.ws.terminate();

    const second = await connect(`?session=${id}&from=-1`);
    const { position } = (await ready(second)).told;
    expect(await second.next("final")).toMatchObject({ utterance: 0, text: textOf(0, 2), start: 0 });
    speak(second, audio.subarray(Number(position) * 2));
    expect(await second.next("final")).toMatchObject({ utterance: 1, text: textOf(1, 6), start: 2, end: 5.5 });
    second.ws.terminate();

    const third = await connect(`?session=${id}&from=0`);
    await ready(third);
    expect(await third.next("final")).toMatchObject({ utterance: 1 });
    third.send({ type: "CloseStream" });
    expect(await third.next("done")).toMatchObject({ seconds: 6, utterances: 2 });
    expect(await third.ended).toMatchObject({ code: 1000 });

    const after = await connect(`?session=${id}`);
    expect(await after.next("ready")).toMatchObject({ session: id });
    expect(await after.next("final")).toMatchObject({ utterance: 0 });
    expect(await after.next("final")).toMatchObject({ utterance: 1 });
    expect(await after.next("done")).toMatchObject({ utterances: 2 });
    expect(await after.ended).toMatchObject({ code: 1000 });
  });

  test.each([
    ["an id that nobody knows", () => timedId(Date.now()), "batch_not_found"],
    ["a publisher's session", () => "alices", "not_owner"],
    ["a batch that is no session", () => "plain", "batch_not_found"],
  ])("to %s is refused", async (_name, idOf, code) => {
    const common = { label: "", lane: "realtime", acceptedAt: 1 } as const;
    const item = { itemId: "0", operation: "transcribe" } as const;
    await rig.ingest.notebook.enter({
      ...common,
      batchId: "alices",
      source: "alice",
      items: [{ ...item, start: 0, samples: 1 }],
    });
    await rig.ingest.notebook.enter({ ...common, batchId: "plain", items: [item] });
    const client = await connect(`?session=${idOf()}`);
    expect(await client.next("error")).toMatchObject({ code, param: "session" });
    expect(await client.ended).toMatchObject({ code: 1008 });
  });
});

describe("while services come and go", () => {
  test("another instance of ingest hears again what was not final", async () => {
    const client = await connect();
    const { session } = await ready(client);
    speak(
      client,
      sound([
        [true, 1],
        [false, 1],
        [true, 2],
      ]),
    );
    expect(await client.next("final")).toMatchObject({ utterance: 0 });
    await expect.poll(() => session().heard, soon).toBe(64_000);
    rig.ingest.takeOver();
    await expect.poll(() => session().heard, soon).toBe(64_000);
    client.send({ type: "CloseStream" });
    expect(await client.next("final")).toMatchObject({ utterance: 1, text: textOf(1, 4), start: 2, end: 4 });
    expect(await client.next("done")).toMatchObject({ seconds: 4, utterances: 2 });
  });

  test("what nobody heard is sent again", async () => {
    const client = await connect();
    const { session } = await ready(client);
    speak(client, sound([[true, 1]]));
    await expect.poll(() => session().heard, soon).toBe(16_000);
    rig.ingest.deaf = true;
    speak(client, sound([[true, 1]]));
    client.send({ type: "CloseStream" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(session().heard).toBe(16_000);
    rig.ingest.deaf = false;
    expect(await client.next("final")).toMatchObject({ text: textOf(0, 4), end: 2 });
    expect(await client.next("done")).toMatchObject({ seconds: 2, utterances: 1 });
  });

  test("a server that was killed: what was said meanwhile is told when it is back", async () => {
    const client = await connect();
    const { session } = await ready(client);
    speak(client, sound([[true, 1]]));
    await expect.poll(() => session().heard, soon).toBe(16_000);
    await rig.server.kill();
    speak(client, sound([[true, 1]]));
    await rig.server.restart();
    client.send({ type: "CloseStream" });
    expect(await client.next("final")).toMatchObject({ text: textOf(0, 4), start: 0, end: 2 });
    expect(await client.next("done")).toMatchObject({ seconds: 2, utterances: 1 });
    expect(await client.ended).toMatchObject({ code: 1000 });
  });
});
