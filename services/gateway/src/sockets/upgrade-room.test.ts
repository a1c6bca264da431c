import { once } from "node:events";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { readExposition } from "@parlance/telemetry/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exchange, openSocket as openConnection } from "../testing/raw-http.ts";
import { openClient, Refused } from "../testing/socket-client.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import type { SocketEnd, SocketRoute } from "./socket-route.ts";

/** On a machine that is busy too. */
const soon = { timeout: 20_000 };
let server: TestServer;
let open: TestGateway;
let keyed: TestGateway;
const ends: SocketEnd[] = [];

/** Says what it hears. */
const echo: SocketRoute = {
  path: "/ws/echo",
  maxPayload: 65_536,
  subprotocols: ["echo", "realtime"],
  stamp: (message, seq) => ({ seq, ...message }),
  authenticate: async (key) => (key === "ek_mine" ? "mine" : undefined),
  open: (socket, _request, caller) => ({
    text(message) {
      if (message === "throw") throw new Error("a listener failed");
      if (message === "who") socket.send({ type: "who", owner: caller.owner, key: caller.key });
      else socket.send({ type: "text", message });
    },
    bytes: (message) => socket.sendBytes(message),
    closed: (end) => ends.push(end),
  }),
};
/** Sends until it is told that nobody reads. */
const flood: SocketRoute = {
  path: "/ws/flood",
  maxPayload: 1_024,
  open(socket) {
    const sending = setInterval(() => {
      for (let n = 0; n < 64; n += 1) socket.sendLatest({ type: "partial", text: "x".repeat(16_384) });
      socket.send({ type: "final", text: "x".repeat(65_536) });
    }, 1);
    return {
      closed(end) {
        clearInterval(sending);
        ends.push(end);
      },
    };
  },
};
const sockets = [echo, flood];

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  open = await startTestGateway(server, { SOCKETS_PER_KEY: "1000" }, { sockets });
  keyed = await startTestGateway(
    server,
    { API_KEYS: "first-key,second-key", HOST: "0.0.0.0", SOCKETS_PER_KEY: "2", CORS_ORIGINS: "https://app.example" },
    { sockets },
  );
});
afterAll(async () => {
  await open.close();
  await keyed.close();
  await server.stop();
});

const url = (gateway: TestGateway, path: string) => `${gateway.url.replace("0.0.0.0", "127.0.0.1")}${path}`;
const refused = async (connecting: Promise<unknown>) => {
  const error = await connecting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Refused)) throw new Error("it was not refused", { cause: error });
  return error;
};

async function count(name: string, labels: Record<string, string>): Promise<number> {
  const samples = readExposition(await (await open.call("/metrics")).text());
  const wanted = Object.entries(labels);
  const matching = samples.filter(
    (each) => each.name === name && wanted.every(([label, value]) => each.labels[label] === value),
  );
  return matching.reduce((sum, { value }) => sum + value, 0);
}

describe("who comes in", () => {
  test.each<{ query?: string; headers?: Record<string, string>; protocols?: string[]; origin?: string }>([
    { headers: { "X-API-Key": "first-key" } },
    { headers: { Authorization: "Bearer second-key" } },
    { headers: { Authorization: "Token first-key" } },
    { protocols: ["token", "first-key"] },
    { protocols: ["realtime", "openai-insecure-api-key.first-key"] },
    { query: "?api_key=first-key" },
    { query: "?a=b&token=first-key" },
    { query: "?token=ek_mine" },
    { headers: { "X-API-Key": "first-key" }, origin: "https://app.example" },
  ])("%j", async ({ query = "", ...options }) => {
    const client = await openClient(url(keyed, `/ws/echo${query}`), options);
    client.ws.send("hello");
    expect(await client.next("text")).toEqual({ seq: 0, type: "text", message: "hello" });
    client.ws.close();
    await client.ended;
  });

  test("a page of the gateway's own origin does, with its key", async () => {
    const origin = url(keyed, "");
    const client = await openClient(url(keyed, "/ws/echo?token=first-key"), { origin });
    client.ws.close();
    expect(await client.ended).toMatchObject({ code: 1005 });
  });

  test("a subprotocol that is known is answered, and never a key", async () => {
    const first = await openClient(url(keyed, "/ws/echo"), { protocols: ["token", "first-key"] });
    const second = await openClient(url(keyed, "/ws/echo"), { protocols: ["token", "second-key", "echo"] });
    expect([first.ws.protocol, second.ws.protocol]).toEqual(["token", "echo"]);
    first.ws.close();
    second.ws.close();
    await Promise.all([first.ended, second.ended]);
  });
});

describe("who does not, before anything is upgraded", () => {
  test.each([
    ["/ws/echo", {}, 401, "unauthorized"],
    ["/ws/echo?token=third-key", {}, 401, "unauthorized"],
    ["/ws/echo", { protocols: ["token"] }, 401, "unauthorized"],
    ["/ws/nothing", {}, 401, "unauthorized"],
    ["/ws/nothing?token=first-key", {}, 404, "not_found"],
    ["/ws/echo/?token=first-key", {}, 404, "not_found"],
    ["/api/v1/queue/submit?token=first-key", {}, 404, "not_found"],
    ["/ws/echo?token=first-key", { origin: "https://evil.example" }, 403, "host_not_allowed"],
    ["/ws/echo?token=first-key", { origin: "null" }, 403, "host_not_allowed"],
  ])("with keys: %s %j is %i %s", async (path, options, status, code) => {
    const error = await refused(openClient(url(keyed, path), options));
    expect(error).toMatchObject({ status, body: { error: { code } } });
    expect(error.headers["x-request-id"]).toBeDefined();
  });

  test.each([
    ["evil.example", undefined],
    ["127.0.0.1", "https://evil.example"],
  ])("without keys: host %s, origin %s", async (host, origin) => {
    const headers = { Host: host, ...(origin === undefined ? {} : { Origin: origin }) };
    expect(await refused(openClient(url(open, "/ws/echo"), { headers }))).toMatchObject({
      status: 403,
      body: { error: { code: "host_not_allowed" } },
    });
  });

  test("more than a key may have: 429, and the place is free again when one closes; other keys have theirs", async () => {
    const path = url(keyed, "/ws/echo?token=first-key");
    const mine = await Promise.all([openClient(path), openClient(path)]);
    const error = await refused(openClient(path));
    expect(error).toMatchObject({ status: 429, body: { error: { code: "too_many_sessions" } } });
    expect(Number(error.headers["retry-after"])).toBeGreaterThan(0);
    const other = await openClient(url(keyed, "/ws/echo?token=second-key"));
    for (const client of [...mine, other]) {
      client.ws.close();
      await client.ended;
    }
    const again = await openClient(path);
    again.ws.close();
    await again.ended;
  });

  test("what is no upgrade, or a wrong one, is told so by HTTP", async () => {
    const ask = (head: string) => exchange(open.url, [`${head}\r\nHost: localhost\r\n`, "\r\n"]);
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    expect(await ask("GET /ws/echo HTTP/1.1")).toMatchObject({
      status: 426,
      body: { error: { code: "upgrade_required" } },
    });
    expect((await ask("POST /ws/echo HTTP/1.1\r\nContent-Length: 0")).status).toBe(405);
    const old = await ask(`GET /ws/echo HTTP/1.1\r\n${upgrade}\r\nSec-WebSocket-Version: 7`);
    expect(old).toMatchObject({ status: 426, head: expect.stringContaining("Sec-WebSocket-Version: 13") });
    const posted = await ask(`POST /ws/echo HTTP/1.1\r\n${upgrade}\r\nSec-WebSocket-Version: 13`);
    expect(posted).toMatchObject({ status: 405, body: { error: { code: "method_not_allowed" } } });
    const keyless = await ask(
      "GET /ws/echo HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
    );
    expect(keyless).toMatchObject({ status: 400, body: { error: { code: "invalid_request" } } });
  });

  test("an offer of HTTP/2 is passed over, as it was", async () => {
    const answer = await exchange(open.url, [
      "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
    ]);
    expect(answer.status).toBe(200);
  });
});

describe("a socket", () => {
  test("is closed with 1009 for a message over its limit, and others go on", async () => {
    const [other, big] = await Promise.all([openClient(url(open, "/ws/echo")), openClient(url(open, "/ws/echo"))]);
    big.send(new Uint8Array(65_536));
    expect(await big.next("bytes")).toMatchObject({ data: { length: 65_536 } });
    big.send(new Uint8Array(65_537));
    expect(await big.ended).toMatchObject({ code: 1009 });
    other.ws.send("hello");
    expect(await other.next("text")).toMatchObject({ message: "hello" });
    other.ws.close();
    await other.ended;
  });

  test("is closed with 1003 for what means nothing there, and with 1011 for what fails", async () => {
    const [binary, failing] = await Promise.all([
      openClient(url(open, "/ws/flood")),
      openClient(url(open, "/ws/echo")),
    ]);
    binary.send(new Uint8Array(1));
    expect(await binary.ended).toMatchObject({ code: 1003 });
    failing.ws.send("throw");
    expect(await failing.ended).toEqual({ code: 1011, reason: "internal" });
  });

  test("whose reader takes nothing is given up with 1013, and costs little memory until then", async () => {
    const client = await openClient(url(open, "/ws/flood"));
    ends.length = 0;
    client.ws.pause();
    const before = process.memoryUsage().rss;
    await expect.poll(() => ends, soon).toEqual([{ code: 1013, by: "gateway" }]);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1_048_576);
    client.ws.terminate();
  });

  test("that does not answer two pings is dropped; one that does is not", async () => {
    const gateway = await startTestGateway(server, {}, { sockets, limits: { pingMs: 50 } });
    const [alive, dead] = await Promise.all([
      openClient(url(gateway, "/ws/echo")),
      openClient(url(gateway, "/ws/echo"), { autoPong: false }),
    ]);
    expect(await dead.ended).toEqual({ code: 1006, reason: "" });
    let pings = 0;
    alive.ws.on("ping", () => {
      pings += 1;
    });
    await expect.poll(() => pings, soon).toBeGreaterThan(5);
    expect(alive.ws.readyState).toBe(alive.ws.OPEN);
    alive.ws.close();
    await alive.ended;
    await gateway.close();
  });

  test("is told when the gateway stops, and one that does not answer does not hold it up", async () => {
    const gateway = await startTestGateway(server, {}, { sockets });
    const client = await openClient(url(gateway, "/ws/echo"));
    const mute = await openConnection(gateway.url);
    mute.write(
      "GET /ws/echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await once(mute, "data");
    const stopped = gateway.close();
    expect(await client.ended).toMatchObject({ code: 1001 });
    await stopped;
    mute.destroy();
  });

  test("is counted", async () => {
    const client = await openClient(url(open, "/ws/echo"));
    expect(await count("parlance_sockets", { path: "/ws/echo" })).toBe(1);
    expect(await count("parlance_socket_closes_total", { path: "/ws/echo", code: "1009" })).toBe(1);
    expect(await count("parlance_socket_refusals_total", { path: "/ws/echo", status: "403" })).toBe(2);
    client.ws.close();
    await client.ended;
    await expect.poll(() => count("parlance_sockets", { path: "/ws/echo" }), soon).toBe(0);
  });
});

test("two hundred idle sockets cost little, and close one by one", async () => {
  const opened = await Promise.all(Array.from({ length: 200 }, () => openClient(url(open, "/ws/echo"))));
  expect(await count("parlance_sockets", { path: "/ws/echo" })).toBe(200);
  for (const { ws } of opened) ws.close();
  await Promise.all(opened.map(({ ended }) => ended));
  await expect.poll(() => count("parlance_sockets", { path: "/ws/echo" }), soon).toBe(0);
});
