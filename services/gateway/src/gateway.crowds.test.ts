/** What many callers at once may cost, at the limits that a gateway has by itself. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { connectBus } from "@parlance/bus";
import { type ServiceProcess, startServiceProcess } from "@parlance/bus/testing";
import { buckets } from "@parlance/contracts";
import { thorough } from "@parlance/contracts/testing";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BODY_BYTES } from "./http/body-budget.ts";
import { openSocket } from "./testing/raw-http.ts";
import { eventually, startTestGateway } from "./testing/test-gateway.ts";

const MIB = 1_048_576;
const FILE_BYTES = 8 * MIB;
const READERS = thorough ? 1_990 : 100;
let server: TestServer;
let gateway: ServiceProcess;
let url: string;

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const main = new URL("./main.ts", import.meta.url);
  gateway = startServiceProcess({ server, user: "gateway", main, settings: { PORT: String(port) } });
  await gateway.says("listening");
});
afterAll(async () => {
  await gateway.kill();
  await server.stop();
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

function memory(field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${gateway.child.pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1_024;
}

async function store(id: string): Promise<void> {
  const bus = await connectBus({ name: "test", ...server.as() });
  const files = await bus.files(buckets.files);
  const file = { id, contentType: "audio/wav", filename: "a.wav", maxBytes: FILE_BYTES };
  await files.put(
    file,
    (async function* () {
      for (let sent = 0; sent < FILE_BYTES; sent += MIB) yield randomBytes(MIB);
    })(),
  );
  await bus.close();
}

test(`${READERS} callers that stop reading cost a part of the file each, and are cut off`, {
  timeout: 240_000,
}, async () => {
  await store("large");
  const before = memory("VmRSS");
  const sockets: Socket[] = [];
  let cut = 0;
  for (let n = 0; n < READERS; n += 1) {
    const socket = await openSocket(url);
    socket.pause();
    socket.once("close", () => {
      cut += 1;
    });
    socket.write("GET /api/v1/files/large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    sockets.push(socket);
  }
  // Nobody waits behind them.
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  // A socket that is paused does not notice its end: the gateway does.
  await eventually(async () => (connections() < READERS / 20 ? true : undefined), 150_000);
  // Some of it is garbage that nobody had a reason to collect yet, however few they are.
  expect(memory("VmHWM") - before).toBeLessThan((READERS * 0.4 + 150) * MIB);
  for (const socket of sockets) socket.destroy();
  expect(cut).toBeLessThanOrEqual(READERS);

  const whole = await fetch(`${url}/api/v1/files/large`);
  expect((await whole.arrayBuffer()).byteLength).toBe(FILE_BYTES);
});

/** Of the gateway with its callers, as its own port sees them. */
function connections(): number {
  const port = Number(new URL(url).port).toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  const ESTABLISHED = "01";
  return lines.filter((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    return local?.endsWith(`:${port}`) && state === ESTABLISHED;
  }).length;
}

test("bodies in flight are bounded in sum: beyond it 503, with when to try again", async () => {
  expect(BODY_BYTES).toBe(256 * MIB);
  const small = await startTestGateway(server, {}, { limits: { bodyBytes: 3 * MIB } });
  const head = (type: string, bytes: number) =>
    `POST /api/v1/queue/submit HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${bytes}\r\n\r\n`;
  const first = await openSocket(small.url);
  first.write(`${head("application/json", 2 * MIB)}{`);
  const refused = () => small.post("/api/v1/queue/submit", JSON.stringify({ label: "x".repeat(1.5 * MIB) }));
  await eventually(async () => ((await refused()).status === 503 ? true : undefined));
  const answer = await refused();
  expect(answer).toMatchObject({ status: 503, body: { error: { code: "overloaded" } } });
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(answer.headers.get("x-should-retry")).toBe("true");
  // What is small has room, and what was held comes back.
  expect((await small.post("/api/v1/queue/submit", {})).status).toBe(422);
  first.destroy();
  await eventually(async () => ((await refused()).status === 422 ? true : undefined));
  await small.close();
});

test("a caller that takes nothing for a while is cut off, one that waits for its answer is not", async () => {
  await store("cut");
  const hasty = await startTestGateway(server, { REQUEST_TIMEOUT: "2" }, { limits: { answerTimeoutMs: 300 } });
  const reader = await openSocket(hasty.url);
  reader.pause();
  reader.write("GET /api/v1/files/cut HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  let received = 0;
  reader.on("data", (bytes: Buffer) => {
    received += bytes.length;
  });
  reader.resume();
  await once(reader, "close");
  expect(received).toBeLessThan(FILE_BYTES);
  // Nobody transcribes here: it is quiet for longer than the limit.
  const form = new FormData();
  form.append("file", new Blob(["x"]), "a.wav");
  const waiting = await hasty.json("/v1/audio/transcriptions", { method: "POST", body: form });
  expect(waiting).toMatchObject({ status: 504, body: { error: { code: "request_timeout" } } });
  await hasty.close();
});
