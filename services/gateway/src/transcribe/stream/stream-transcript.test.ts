import { connectBus } from "@parlance/bus";
import { answerAsWorker } from "@parlance/bus/testing";
import { headerNames, streams, subjects } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openSocket, readAll } from "../../testing/raw-http.ts";
import {
  audioForm,
  eventually,
  startRig,
  startTestGateway,
  type TestGateway,
  type TestRig,
} from "../../testing/test-gateway.ts";
import {
  allEvents,
  readEvents,
  type ScriptedText,
  scriptText,
  type TextEvent,
  textOf,
} from "./testing/scripted-text.ts";

const PATH = "/v1/audio/transcriptions";

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

interface Opened {
  response: Response;
  events: AsyncGenerator<TextEvent, void>;
  /** Of the next event. */
  next(): Promise<TextEvent>;
  batchId: string;
  says: ScriptedText;
  leave(): void;
}

/** A stream of audio of which nobody but the test says anything. */
async function open(
  fields: Record<string, string> = {},
  { at = gateway, of = rig, path = PATH }: { at?: TestGateway; of?: TestRig; path?: string } = {},
): Promise<Opened> {
  const leaving = new AbortController();
  const before = of.pipeline.seen.length;
  const form = audioForm("file", "wait", "a.wav", path === PATH ? { stream: "true", ...fields } : fields);
  const response = await at.call(path, { method: "POST", body: form, signal: leaving.signal });
  expect(response.status).toBe(200);
  const batchId = await eventually(async () => of.pipeline.seen[before]?.subject.split(".")[3]);
  const events = readEvents(response);
  return {
    response,
    events,
    async next() {
      const { value } = await events.next();
      if (value === undefined) throw new Error("there are no more events");
      return value;
    },
    batchId,
    says: scriptText(of.pipeline.bus, batchId),
    leave: () => leaving.abort(),
  };
}

async function rest(events: AsyncGenerator<TextEvent, void>): Promise<TextEvent[]> {
  const read: TextEvent[] = [];
  for await (const event of events) read.push(event);
  return read;
}

const doneOf = (batchId: string, { pipeline } = rig) =>
  eventually(() => pipeline.bus.last(streams.results, subjects.done(batchId, "0")));

async function metric(name: string, at = gateway): Promise<number> {
  const page = await (await at.call("/metrics")).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(page)?.[1]);
}

describe("a transcript that is streamed", () => {
  test.each([PATH, `${PATH}/stream`])(
    "%s answers before anything is heard, and tells parts, segments and the end",
    async (path) => {
      const { response, next, says, events } = await open({}, { path });
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store, no-transform",
        "x-accel-buffering": "no",
        "x-request-id": expect.any(String),
      });
      expect(rig.pipeline.seen.at(-1)?.headers).toMatchObject({
        [headerNames.parts]: "true",
        [headerNames.lane]: "interactive",
      });
      const delta = (text: string) => ({ type: "transcript.text.delta", delta: text });
      await says.part(0, "Turn");
      expect(await next()).toEqual(delta("Turn"));
      await says.part(0, "Turn on the");
      expect(await next()).toEqual(delta(" on the"));
      await says.result(1, "in the kitchen.");
      await says.result(0, "Turn on the lights");
      await says.part(0, "Turn off the");
      await says.part(2, "Please");
      let told = "Turn on the";
      while (!told.endsWith("Please")) told += (await next()).delta;
      expect(told).toBe("Turn on the lights in the kitchen. Please");
      await says.result(2, "Please.", { last: true });
      const last = await rest(events);
      expect(told + textOf(last)).toBe("Turn on the lights in the kitchen. Please.");
      expect(last.at(-1)).toEqual({
        type: "transcript.text.done",
        text: "Turn on the lights in the kitchen. Please.",
        language: "en",
      });
    },
  );

  test("a model that tells no parts gives a delta a segment, and a short audio one and the end", async () => {
    const { says, events } = await open();
    await says.result(0, "one");
    expect(await events.next()).toMatchObject({ value: { delta: "one" } });
    await says.result(1, "two", { last: true });
    expect((await rest(events)).map(({ delta, text }) => delta ?? text)).toEqual([" two", "one two"]);

    const body = audioForm("file", "say:hello there", "a.wav", { stream: "true", response_format: "text" });
    expect(await allEvents(await gateway.call(PATH, { method: "POST", body }))).toEqual([
      { type: "transcript.text.delta", delta: "hello there" },
      { type: "transcript.text.done", text: "hello there", language: "en" },
    ]);
  });

  test("its end says what was asked for and cannot be had", async () => {
    const body = audioForm("file", "untimed:hello", "a.wav", { stream: "true", return_timestamps: "true" });
    expect((await allEvents(await gateway.call(PATH, { method: "POST", body }))).at(-1)).toEqual({
      ...{ type: "transcript.text.done", text: "hello", language: "en", timestamps: [] },
      warnings: [expect.stringMatching(/^timestamps: the model tells no times of words/)],
    });
  });

  test("silence has no delta, and an end", async () => {
    const { says, events } = await open();
    await says.result(0, "", { last: true, language: "" });
    expect(await rest(events)).toEqual([{ type: "transcript.text.done", text: "", language: "" }]);
  });

  test("word times come with the end, where they are asked for", async () => {
    const { says, events } = await open({ return_timestamps: "true" });
    await says.result(0, "hello");
    await says.result(1, "there", { last: true });
    expect((await rest(events)).at(-1)?.timestamps).toEqual([
      { start: 0, end: 1, text: "hello" },
      { start: 1, end: 2, text: "there" },
    ]);
  });

  test("with log-probabilities each segment is told whole, with its tokens, and the end has them all", async () => {
    const own = await startRig();
    const bus = await connectBus({ name: "worker", ...own.server.as() });
    await answerAsWorker(bus, { family: "asr", logprobs: true });
    const knowing = await startTestGateway(own.server);
    const { says, events } = await open({ "include[]": "logprobs" }, { at: knowing, of: own });
    expect(own.pipeline.seen[0]?.headers).toMatchObject({ [headerNames.logprobs]: "true" });
    const tokens = (text: string) => [{ token: text, logprob: -0.5, bytes: [...Buffer.from(text)] }];
    await says.part(0, "hel");
    await says.result(0, "hello", { tokens: tokens("hello") });
    expect(await events.next()).toEqual({
      done: false,
      value: { type: "transcript.text.delta", delta: "hello", logprobs: tokens("hello") },
    });
    await says.result(1, "you", { tokens: tokens("you"), last: true });
    expect(await rest(events)).toMatchObject([
      { delta: " you", logprobs: tokens("you") },
      { text: "hello you", logprobs: [...tokens("hello"), ...tokens("you")] },
    ]);
    const short = await open({ "include[]": "logprobs" }, { at: knowing, of: own });
    await short.says.end("only this", { tokens: tokens("only this") });
    expect(await rest(short.events)).toMatchObject([
      { type: "transcript.text.delta", delta: "only this", logprobs: tokens("only this") },
      { text: "only this", logprobs: tokens("only this") },
    ]);
    await knowing.close();
    await bus.close();
    await own.close();
  });

  test("a batch of one segment, which has no result but its end, is told behind what was told of it, and with its times", async () => {
    const { says, events } = await open({ return_timestamps: "true" });
    await says.part(0, "only");
    expect(await events.next()).toMatchObject({ value: { delta: "only" } });
    await says.end("only this");
    expect(await rest(events)).toMatchObject([
      { delta: " this" },
      { text: "only this", timestamps: [{ start: 0, end: 1, text: "only" }] },
    ]);
  });

  test("a transcript that fits no message is told whole", async () => {
    const { says, events } = await open();
    const segments = Array.from({ length: 40 }, (_, n) => `Segment ${n} ${"with many words ".repeat(150).trim()}.`);
    for (const [n, text] of segments.entries()) await says.result(n, text, { last: n === segments.length - 1 });
    const all = await rest(events);
    expect(textOf(all)).toBe(segments.join(" "));
    expect(all.at(-1)?.text).toBe(segments.join(" "));
  });

  test("metrics tell how many there are, and after how long the first text came", async () => {
    const before = await metric("parlance_transcript_first_text_seconds_count");
    const { says, next, events } = await open();
    expect(await metric("parlance_transcript_streams")).toBe(1);
    await says.part(0, "hello");
    await next();
    expect(await metric("parlance_transcript_first_text_seconds_count")).toBe(before + 1);
    await says.result(0, "hello", { last: true });
    await rest(events);
    await eventually(async () => ((await metric("parlance_transcript_streams")) === 0 ? true : undefined));
    expect(await metric("parlance_transcript_first_text_seconds_count")).toBe(before + 1);
  });
});

describe("what goes wrong", () => {
  test.each(["verbose_json", "srt", "vtt"])(
    "response_format %s cannot be streamed: 400 before any work",
    async (format) => {
      const before = rig.pipeline.seen.length;
      for (const [path, fields] of [
        [PATH, { stream: "true" }],
        [`${PATH}/stream`, {}],
      ] as const) {
        const body = audioForm("file", "say:x", "a.wav", { ...fields, response_format: format });
        const answer = await gateway.json(path, { method: "POST", body });
        expect(answer).toMatchObject({ status: 400, body: { error: { param: "response_format" } } });
        expect(answer.headers.get("x-should-retry")).toBe("false");
      }
      expect(rig.pipeline.seen.length).toBe(before);
    },
  );

  test("before the audio is accepted an error is an answer of its own", async () => {
    const body = audioForm("file", "", "a.wav", { stream: "true" });
    const { status, body: answer, headers } = await gateway.json(PATH, { method: "POST", body });
    expect({ status, answer }).toMatchObject({ status: 400, answer: { error: { code: "audio_empty" } } });
    expect(headers.get("content-type")).toContain("application/json");
  });

  test("after that it is the last event, as OpenAI's clients read it", async () => {
    const form = audioForm("file", "fail:audio_corrupt", "a.wav", { stream: "true" });
    const response = await gateway.call(PATH, { method: "POST", body: form });
    expect(response.status).toBe(200);
    expect(await allEvents(response)).toEqual([
      {
        error: {
          message: "The audio could not be decoded.",
          type: "invalid_request_error",
          param: "file",
          code: "audio_corrupt",
        },
      },
    ]);
  });

  test("a file that turns bad in its middle keeps what was told", async () => {
    const { says, next, events, batchId } = await open();
    await says.result(0, "so far so good");
    expect(await next()).toMatchObject({ delta: "so far so good" });
    const error = { code: "audio_corrupt", message: "The audio could not be decoded." };
    const failed = { operation: "transcribe", outcome: "failed", error, last: true, submittedAt: 0, finishedAt: 0 };
    await rig.pipeline.bus.publishOnce(subjects.result(batchId, "0", 1), JSON.stringify(failed));
    expect(await rest(events)).toMatchObject([{ error: { code: "audio_corrupt" } }]);
  });

  test("a caller that leaves after the first delta frees its place, and its batch is cancelled", async () => {
    const subscribing = vi.spyOn(gateway.bus.connection, "subscribe");
    const { says, next, leave, batchId } = await open();
    await says.part(0, "hello");
    await next();
    const subscriptions = subscribing.mock.results.flatMap(({ type, value }) => (type === "return" ? [value] : []));
    subscribing.mockRestore();
    const left = performance.now();
    leave();
    const { data } = await doneOf(batchId);
    console.log(`cancelled, and concluded, ${Math.round(performance.now() - left)} ms after the caller left`);
    expect(JSON.parse(Buffer.from(data).toString())).toMatchObject({ status: "cancelled" });
    await eventually(async () => ((await metric("parlance_transcript_streams")) === 0 ? true : undefined));
    expect(await metric("parlance_waiting_requests")).toBe(0);
    expect(subscriptions.length).toBeGreaterThanOrEqual(3);
    expect(subscriptions.every((each) => each.isClosed())).toBe(true);
  });

  test("REQUEST_TIMEOUT bounds the silence, not the whole", async () => {
    const hasty = await startTestGateway(rig.server, { REQUEST_TIMEOUT: "2" });
    const { says, events, next, batchId } = await open({}, { at: hasty });
    const began = performance.now();
    let text = "";
    for (let n = 0; performance.now() - began < 3_000; n += 1) {
      text = `${text} word${n}`;
      await says.part(0, text);
      await next();
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    // What is heard of later segments is no silence, though nothing can be told of it.
    for (let n = 1; n < 8; n += 1) {
      await says.result(n, "later");
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    await says.result(0, `${text} and`);
    expect(await next()).toMatchObject({ delta: " and later later later later later later later" });
    expect(await rest(events)).toMatchObject([{ error: { code: "request_timeout", type: "server_error" } }]);
    expect(JSON.parse(Buffer.from((await doneOf(batchId)).data).toString())).toMatchObject({ status: "cancelled" });
    await hasty.close();
  });

  test("when the gateway closes, the stream ends with the reason", async () => {
    const own = await startTestGateway(rig.server);
    const { events, batchId } = await open({}, { at: own });
    const closing = own.close();
    expect(await rest(events)).toMatchObject([{ error: { code: "stopping" } }]);
    await closing;
    expect(JSON.parse(Buffer.from((await doneOf(batchId)).data).toString())).toMatchObject({ status: "cancelled" });
  });

  test("a caller that does not read is cut off, its batch cancelled, and little is kept for it meanwhile", async () => {
    const strict = await startTestGateway(rig.server, {}, { limits: { answerTimeoutMs: 1_000 } });
    const before = rig.pipeline.seen.length;
    const socket = await openSocket(strict.url);
    socket.pause();
    const body = Buffer.from(await new Response(audioForm("file", "wait", "a.wav", { stream: "true" })).arrayBuffer());
    const boundary = body.subarray(2, body.indexOf("\r\n")).toString();
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=${boundary}\r\n` +
        `Content-Length: ${body.length}\r\n\r\n`,
    );
    socket.write(body);
    const batchId = await eventually(async () => rig.pipeline.seen[before]?.subject.split(".")[3]);
    const says = scriptText(rig.pipeline.bus, batchId);
    // More than both ends' sockets hold.
    const text = "word ".repeat(150_000).trim();
    for (let n = 0; n < 30; n += 1) await says.result(n, text);
    const { data } = await doneOf(batchId);
    expect(JSON.parse(Buffer.from(data).toString())).toMatchObject({ status: "cancelled" });
    socket.resume();
    expect((await readAll(socket)).length).toBeLessThan(30 * text.length);
    expect(await metric("parlance_waiting_requests", strict)).toBe(0);
    await strict.close();
  }, 60_000);
});

test("what is streamed while nats-server restarts is whole", async () => {
  const own = await startRig();
  const patient = await startTestGateway(own.server);
  const { says, next, events } = await open({}, { at: patient, of: own });
  await says.result(0, "before");
  expect(await next()).toMatchObject({ delta: "before" });
  await says.part(1, "while");
  expect(await next()).toMatchObject({ delta: " while" });
  await own.server.kill();
  await own.server.restart();
  await says.result(1, "while it was away");
  await says.result(2, "and after", { last: true });
  const all = await rest(events);
  expect(textOf(all)).toBe(" it was away and after");
  expect(all.at(-1)?.text).toBe("before while it was away and after");
  await patient.close();
  await own.close();
}, 60_000);
