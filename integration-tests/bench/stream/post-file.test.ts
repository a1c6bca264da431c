import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { afterEach, expect, it } from "vitest";
import { createFilePoster, type FilePoster } from "./post-file.ts";

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => void close()));

/** A server that reads each request's form and answers it. */
async function posterTo(answer: (form: string, response: ServerResponse) => void): Promise<FilePoster> {
  const server = createServer(async (asked: IncomingMessage, response: ServerResponse) => {
    const form = await buffer(asked);
    expect([asked.method, asked.url, Number(asked.headers["content-length"])]).toEqual([
      "POST",
      "/v1/audio/transcriptions",
      form.length,
    ]);
    answer(form.toString("latin1"), response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const audio = { name: "a.wav", type: "audio/wav", bytes: Buffer.from("samples") };
  return createFilePoster({ gatewayUrl: `http://127.0.0.1:${address.port}`, model: "m", audio });
}

const events = { "content-type": "text/event-stream; charset=utf-8" };
const event = (content: object) => `data: ${JSON.stringify(content)}\n\n`;
const delta = (text: string) => event({ type: "transcript.text.delta", delta: text });
const done = (text: string) => event({ type: "transcript.text.done", text, usage: { type: "duration", seconds: 1 } });

it("the first text is the first delta that says something, and the whole ends with the stream", async () => {
  let form = "";
  const poster = await posterTo((sent, response) => {
    form = sent;
    response.writeHead(200, events);
    response.write(delta(" "));
    // The next one is a message of its own for whoever reads.
    setTimeout(() => response.write(delta("grün")), 30);
    setTimeout(() => response.end(delta(" und blau") + done(" grün und blau")), 60);
  });
  const answer = await poster.streamed();
  expect(answer).toMatchObject({ text: " grün und blau", deltas: 3 });
  expect(answer.sent).toBeGreaterThan(0);
  expect(answer.firstText).toBeGreaterThan(answer.sent);
  expect(answer.whole).toBeGreaterThan(answer.firstText);
  const names = [...form.matchAll(/name="(\w+)"(?:; filename="[^"]+")?\r\n(?:Content-Type: .*\r\n)?\r\n(.*)\r\n/g)];
  expect(names.map(([, name, value]) => [name, value])).toEqual([
    ["file", "samples"],
    ["model", "m"],
    ["language", "en"],
    ["stream", "true"],
  ]);
});

it("an answer that is not streamed is one object", async () => {
  const poster = await posterTo((form, response) => {
    expect(form).not.toContain('"stream"');
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ text: "all", usage: {} }));
  });
  expect(await poster.unstreamed()).toMatchObject({ text: "all" });
});

it.each([
  ["an error", delta("a") + event({ error: { message: "worker lost", type: "server_error" } }), "worker lost"],
  ["no done event", delta("a"), "without a text"],
  ["no text", done(""), "without a text"],
  ["deltas that are another text", delta("a") + done("b"), "are not the text"],
])("a stream with %s is no measurement", async (_, stream, message) => {
  const poster = await posterTo((_form, response) => void response.writeHead(200, events).end(stream));
  await expect(poster.streamed()).rejects.toThrow(message);
});

it("an answer of another kind is told with its status", async () => {
  const poster = await posterTo((_form, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end('{"text":"not streamed"}');
  });
  await expect(poster.streamed()).rejects.toThrow("answered 200 with application/json");
  const refusing = await posterTo((_form, response) => void response.writeHead(404).end("no such model"));
  await expect(refusing.unstreamed()).rejects.toThrow("404 with nothing: no such model");
});
