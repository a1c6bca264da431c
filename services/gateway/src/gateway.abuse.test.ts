import { once } from "node:events";
import { readdirSync } from "node:fs";
import { errorBodySchema } from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exchange, openSocket, readAll } from "./testing/raw-http.ts";
import { audioForm, startTestGateway, type TestGateway } from "./testing/test-gateway.ts";

const LIMIT = 200_000;
let server: TestServer;
let gateway: TestGateway;

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  gateway = await startTestGateway(
    server,
    { MAX_UPLOAD_BYTES: String(LIMIT), MAX_JSON_BYTES: "10000", REQUEST_TIMEOUT: "2" },
    { limits: { headersTimeoutMs: 400, requestTimeoutMs: 1_500, stallTimeoutMs: 300 } },
  );
});
afterAll(async () => {
  await gateway.close();
  await server.stop();
});

const UPLOAD = "/api/v1/files/upload";
const post = (path: string, headers: string[], ...pieces: (string | Uint8Array)[]) =>
  exchange(gateway.url, [`POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers.join("\r\n")}\r\n\r\n`, ...pieces]);
const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n`;
const MULTIPART = "Content-Type: multipart/form-data; boundary=b";
const FILE_HEAD = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n';

describe("bodies", () => {
  test("one over the limit is 413 before it is sent, when its length is declared", async () => {
    const { status, body } = await post(UPLOAD, [MULTIPART, "Content-Length: 100000000"]);
    expect({ status, body }).toMatchObject({ status: 413, body: { error: { code: "payload_too_large" } } });
  });

  test("one over the limit is 413 when it is reached, without a length", async () => {
    const pieces = [FILE_HEAD, ...Array.from({ length: 40 }, () => "x".repeat(10_000))];
    const { status } = await post(
      UPLOAD,
      [MULTIPART, "Transfer-Encoding: chunked"],
      ...pieces.map((text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`),
    );
    expect(status).toBe(413);
  });

  test("JSON over the limit is 413, with and without a length", async () => {
    const json = "Content-Type: application/json";
    expect((await post("/api/v1/queue/submit", [json, "Content-Length: 20000"], "[")).status).toBe(413);
    const many = Array.from({ length: 30 }, () => chunk(1_000));
    expect((await post("/api/v1/queue/submit", [json, "Transfer-Encoding: chunked"], ...many)).status).toBe(413);
  });

  test("a sender who goes on after the refusal is cut off", async () => {
    // By itself, with the times that a gateway has: the time for a whole body is minutes.
    const patient = await startTestGateway(server, { MAX_UPLOAD_BYTES: String(LIMIT) });
    const socket = await openSocket(patient.url);
    const said = readAll(socket);
    socket.write(`POST ${UPLOAD} HTTP/1.1\r\nHost: localhost\r\n${MULTIPART}\r\nContent-Length: 100000000\r\n\r\n`);
    const feeding = setInterval(() => socket.write("x".repeat(1_000)), 20);
    const text = await said;
    clearInterval(feeding);
    expect(text).toContain("payload_too_large");
    await patient.close();
  });

  test("an answer before the whole body was read does not break the next request of the connection", async () => {
    const { status } = await post(
      "/api/v1/queue/submit",
      ["Content-Type: text/plain", "Content-Length: 4"],
      "abcdGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    expect(status).toBe(415);
  });

  test.each([
    ["cut off", "{", "invalid_json"],
    ["with a hole", '{"items": [}', "invalid_json"],
    ["that is none", "nonsense", "invalid_json"],
    ["that is a text", '"text"', "invalid_json"],
    ["with __proto__", '{"__proto__": {"polluted": true}, "items": []}', "invalid_json"],
    ["9000 deep", "[".repeat(9_000), "invalid_json"],
    ["of no bytes", "", "validation_failed"],
  ])("JSON %s is told", async (_name, body, code) => {
    const answer = await gateway.post("/api/v1/queue/submit", body);
    expect(answer.body).toMatchObject({ error: { code } });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("a constructor for a field name pollutes nothing", async () => {
    const form = audioForm("audio", "", "a.wav", { __proto__x: "1", constructor: "2", ["__proto__"]: "3" });
    expect((await gateway.json("/api/v1/transcribe/file", { method: "POST", body: form })).status).toBe(422);
    expect(({} as { x?: string }).x).toBeUndefined();
  });
});

describe("content types", () => {
  test.each([
    ["/api/v1/queue/submit", "text/plain"],
    ["/api/v1/queue/submit", "multipart/form-data; boundary=b"],
    [UPLOAD, "application/json"],
    ["/api/v1/transcribe/file", "audio/wav"],
  ])("%s as %s is 415", async (path, type) => {
    const answer = await gateway.json(path, { method: "POST", headers: { "content-type": type }, body: "{}" });
    expect(answer).toMatchObject({ status: 415, body: { error: { code: "unsupported_media_type" } } });
  });
});

describe("multipart forms", () => {
  const send = (body: string, path = UPLOAD, type = MULTIPART) =>
    post(path, [type, `Content-Length: ${Buffer.byteLength(body)}`], body);
  const field = (name: string, value: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const file = (name: string, value: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"; filename="a.wav"\r\n\r\n${value}\r\n`;
  const END = "--b--\r\n";

  test.each([
    ["without a boundary", FILE_HEAD, "Content-Type: multipart/form-data", 400, "invalid_multipart"],
    ["without a file", `${field("language", "en")}${END}`, MULTIPART, 422, "validation_failed"],
    ["with nothing at all", "", MULTIPART, 400, "invalid_multipart"],
    ["that is not one", "nonsense", MULTIPART, 400, "invalid_multipart"],
    ["without its last boundary", `${FILE_HEAD}audio`, MULTIPART, 400, "invalid_multipart"],
    ["with the file under another name", `${file("picture", "x")}${END}`, MULTIPART, 422, "validation_failed"],
    ["with two files", `${file("file", "x")}${file("file", "y")}${END}`, MULTIPART, 422, "validation_failed"],
    ["with 10k fields", `${field("a", "1").repeat(10_000)}${END}`, MULTIPART, 400, "invalid_multipart"],
    ["with a field of 100 kB", `${field("a", "x".repeat(100_000))}${END}`, MULTIPART, 413, "payload_too_large"],
    ["with a field name of 20 kB", `${field("n".repeat(20_000), "x")}${END}`, MULTIPART, 422, "validation_failed"],
    [
      "whose file is in a part of its own",
      `--b\r\n${MULTIPART}\r\n\r\n${END}${END}`,
      MULTIPART,
      422,
      "validation_failed",
    ],
  ])("%s: told", async (_name, body, type, status, code) => {
    expect(await send(body, UPLOAD, type)).toMatchObject({ status, body: { error: { code } } });
  });

  test("junk before the file counts, and does not stay in memory", async () => {
    const before = process.memoryUsage().rss;
    const head = field("junk", "").slice(0, -2);
    const pieces = [head, ...Array.from({ length: 300 }, () => "x".repeat(10_000))];
    const { status } = await post(
      UPLOAD,
      [MULTIPART, "Transfer-Encoding: chunked"],
      ...pieces.map((text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`),
    );
    expect(status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan(60_000_000);
  });

  test("an unknown language is told before anything is published", async () => {
    const body = `${file("audio", "x")}${field("language", "klingon")}${END}`;
    expect(await send(body, "/api/v1/transcribe/file")).toMatchObject({
      status: 422,
      body: { error: { param: "language" } },
    });
  });
});

describe("slow callers", () => {
  test("headers that do not end are cut off, as JSON", async () => {
    const socket = await openSocket(gateway.url);
    const said = readAll(socket);
    socket.write("POST /api/v1/files/upload HTTP/1.1\r\nHost: local");
    const text = await said;
    expect(text).toMatch(/^HTTP\/1\.1 408/);
    expect(text).toContain("body_timeout");
  });

  test("a body that stalls is cut off, as JSON", async () => {
    const { status, body } = await post(UPLOAD, [MULTIPART, "Content-Length: 1000"], FILE_HEAD);
    expect({ status, body }).toMatchObject({ status: 408, body: { error: { code: "body_timeout" } } });
  });

  test("a body that trickles is cut off when its time is over", async () => {
    const socket = await openSocket(gateway.url);
    const said = readAll(socket);
    socket.write(`POST ${UPLOAD} HTTP/1.1\r\nHost: localhost\r\n${MULTIPART}\r\nContent-Length: 100000\r\n\r\n`);
    socket.write(FILE_HEAD);
    const trickle = setInterval(() => socket.write("x"), 50);
    expect(await said).toMatch(/^HTTP\/1\.1 408/);
    clearInterval(trickle);
  });

  test("500 of them do not keep others from their answer", async () => {
    const sockets = await Promise.all(Array.from({ length: 500 }, () => openSocket(gateway.url)));
    for (const socket of sockets) socket.resume().write("GET /livez HTTP/1.1\r\nHost: loc");
    const began = performance.now();
    expect((await gateway.call("/livez")).status).toBe(200);
    expect(performance.now() - began).toBeLessThan(1_000);
    await Promise.all(sockets.map((socket) => (socket.destroyed ? undefined : once(socket, "close"))));
  });
});

describe("what is not HTTP, or not ours", () => {
  test.each([
    ["nonsense", "nonsense\r\n\r\n", 400, "invalid_request"],
    [
      "a long header",
      `GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ${"y".repeat(20_000)}\r\n\r\n`,
      431,
      "headers_too_large",
    ],
    [
      "a negative length",
      "POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
      400,
      "invalid_request",
    ],
    [
      "two lengths",
      "POST /api/v1/queue/submit HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
      "invalid_request",
    ],
  ])("%s is answered as JSON", async (_name, request, status, code) => {
    const answer = await exchange(gateway.url, [request]);
    expect(answer).toMatchObject({ status, body: { error: { code } } });
  });

  test("a path that does not exist is 404, a wrong method 405 with Allow", async () => {
    for (const path of ["/api", "/api/v1/files", "//livez", "/api/v1/../../etc", "/wp-login.php"]) {
      const answer = await gateway.json(path);
      expect(answer.status).toBe(404);
      errorBodySchema.parse(answer.body);
    }
    const wrong = await gateway.json("/api/v1/queue/submit", { method: "DELETE" });
    expect(wrong).toMatchObject({ status: 405, body: { error: { code: "method_not_allowed" } } });
    expect(wrong.headers.get("allow")).toContain("POST");
  });

  test("answers say nothing of what serves them, and allow no other origin", async () => {
    const { headers } = await gateway.call("/livez");
    for (const name of ["server", "x-powered-by", "access-control-allow-origin"]) expect(headers.has(name)).toBe(false);
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

test("nothing of all this left a file on the disk or a handle open", async () => {
  const handles = () => readdirSync("/proc/self/fd").length;
  const before = handles();
  for (let round = 0; round < 50; round += 1) {
    await post(UPLOAD, [MULTIPART, "Content-Length: 100000000"]);
    await gateway.post("/api/v1/queue/submit", "{");
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(handles()).toBeLessThan(before + 10);
  const { messages } = await gateway.bus.streamState("OBJ_files").catch(() => ({ messages: 0 }));
  expect(messages).toBe(0);
});
