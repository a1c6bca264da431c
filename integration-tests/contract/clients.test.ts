/**
 * What a part of a form is called and which type it claims is its client's business: the same recording gets the same answer from
 * whatever client it comes, and what is no recording is refused for what it holds.
 */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { bytesOf, type RawAnswer, recordedRequests, sendRaw } from "../src/recorded-requests.ts";
import { countErrors } from "../src/word-error-rate.ts";

const requests = await recordedRequests();
const telephone = await readFile(new URL("../demo/audio/telephone.wav", import.meta.url));
const transcribing = ["/api/v1/transcribe/file", "/v1/audio/transcriptions"];
let pipeline: Pipeline;
/** Path → what curl was answered. */
const curls = new Map<string, RawAnswer>();

const answerOf = (name: string, path: string, audio: Uint8Array = telephone) => {
  const request = requests.find((each) => each.name === name);
  if (request === undefined) throw new Error(`no request is called ${name}`);
  return sendRaw(pipeline.gatewayUrl, bytesOf(request, path, audio));
};

beforeAll(async () => {
  pipeline = await startPipeline({ PROCESSES: "one" });
  for (const path of transcribing) curls.set(path, await answerOf("curl -F", path));
}, 180_000);
afterAll(() => pipeline?.stop(), 60_000);

it("curl is answered with what was said", () => {
  for (const { status, body } of curls.values()) {
    expect(status).toBe(200);
    const { errors } = countErrors("can you wait for me in front of the hotel", String(body.text));
    expect(errors).toBeLessThanOrEqual(3);
  }
});

describe.each(transcribing)("POST %s", (path) => {
  it.each(requests.map(({ name }) => name))("%s is answered as curl is", async (name) => {
    const { status, body } = await answerOf(name, path);
    const { text, language } = curls.get(path)?.body ?? {};
    expect({ status, body }).toMatchObject({ status: 200, body: { text, language } });
  });
});

it.each(requests.map(({ name }) => name))("%s stores the recording as it is", async (name) => {
  const { status, body } = await answerOf(name, "/api/v1/files/upload");
  expect(status).toBe(200);
  const stored = await fetch(`${pipeline.gatewayUrl}/api/v1/files/${body.file_id}`);
  expect(Buffer.from(await stored.arrayBuffer()).equals(telephone)).toBe(true);
});

describe("what is no audio is refused for what it holds, whatever it is called", () => {
  const submission = JSON.stringify({
    lane: "realtime",
    items: [{ itemId: "x", operation: "custom_voice", text: "Hi" }],
  });
  const cases: [string, string, Uint8Array][] = [
    ["a text", "text", Buffer.from("Please read this aloud. ".repeat(1_000).slice(0, telephone.length))],
    ["a submission", "JSON", Buffer.from(submission.padEnd(telephone.length))],
    [
      "a picture",
      "a PNG image",
      Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(telephone.length - 8)]),
    ],
  ];
  // Without a part's type, with types that mean something to ingest, and with one that claims to be audio.
  const senders = [
    "requests files= open file",
    "curl -F with type text/plain",
    "curl -F with type application/json",
    "curl -F with a type",
    "Java HttpClient, Content-Type: null",
  ];

  it.each(cases)("%s", async (_what, looksLike, bytes) => {
    for (const path of transcribing) {
      for (const sender of senders) {
        const { status, body } = await answerOf(sender, path, bytes);
        const message = `This is not an audio format that is supported: it looks like ${looksLike}.`;
        expect({ sender, status, body }).toMatchObject({
          // OpenAI's clients know what cannot succeed as 400.
          status: path.startsWith("/v1/") ? 400 : 415,
          body: { error: { code: "audio_unsupported", message } },
        });
      }
    }
  });
});

it("names without quotation marks, as .NET writes them, are read", async () => {
  const head =
    "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=language\r\n\r\nen\r\n";
  const file = "--b\r\nContent-Disposition: form-data; name=file; filename=a.wav; filename*=utf-8''a.wav\r\n\r\n";
  const body = Buffer.concat([Buffer.from(head + file), telephone, Buffer.from("\r\n--b--\r\n")]);
  const request = `POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary="b"\r\nContent-Length: ${body.length}\r\n\r\n`;
  for (const path of transcribing) {
    const { status, body: answer } = await sendRaw(
      pipeline.gatewayUrl,
      Buffer.concat([Buffer.from(request.replace("{path}", path)), body]),
    );
    expect({ status, text: answer.text }).toEqual({ status: 200, text: curls.get(path)?.body.text });
  }
});
