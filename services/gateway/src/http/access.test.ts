import { readSettings, SpeechError } from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { createLog } from "@parlance/telemetry";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGateway } from "../gateway.ts";
import { gatewaySettings } from "../gateway-context.ts";
import { exchange } from "../testing/raw-http.ts";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";

let server: TestServer;
let open: TestGateway;
let keyed: TestGateway;

beforeAll(async () => {
  server = await startTestServer({ secured: true });
  open = await startTestGateway(server);
  keyed = await startTestGateway(server, { API_KEYS: "first-key, second-key", HOST: "0.0.0.0" });
});
afterAll(async () => {
  await open.close();
  await keyed.close();
  await server.stop();
});

const get = (gateway: TestGateway, path: string, ...headers: string[]) =>
  exchange(gateway.url, [`GET ${path} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`]);

describe("with keys", () => {
  test.each([
    ["X-API-Key: first-key"],
    ["X-API-Key: second-key"],
    ["Authorization: Bearer first-key"],
    ["authorization: bearer second-key"],
  ])("%s is let in", async (header) => {
    expect((await get(keyed, "/api/v1/files/nobody", "Host: example.org", header)).status).toBe(404);
  });

  test.each([
    ["X-Nothing: 1"],
    ["X-API-Key: "],
    ["X-API-Key: first-ke"],
    ["X-API-Key: first-key, second-key"],
    ["X-API-Key: first-key2"],
    ["Authorization: first-key"],
    ["Authorization: Basic Zmlyc3Qta2V5"],
    ["X-Forwarded-For: 127.0.0.1"],
    ["Cookie: key=first-key"],
  ])("%j is 401", async (header) => {
    for (const path of ["/metrics", "/openapi.json", "/api/v1/files/x?api_key=first-key", "//livez", "/%6civez"]) {
      const answer = await get(keyed, path, "Host: localhost", header);
      expect(answer).toMatchObject({
        status: 401,
        body: { error: { code: "unauthorized", type: "authentication_error" } },
      });
    }
  });

  test("no method goes around the key, and no body is read without it", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const request = `${method} /api/v1/files/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n`;
      expect((await exchange(keyed.url, [request])).status).toBe(401);
    }
    const head = await keyed.call("/metrics", { method: "HEAD" });
    expect(head.status).toBe(401);
  });

  test("probes need none", async () => {
    for (const path of ["/livez", "/readyz", "/health"]) expect((await get(keyed, path, "Host: a")).status).toBe(200);
  });
});

describe("without keys", () => {
  test.each(["localhost", "127.0.0.1", "127.0.0.1:8100", "[::1]:8100", "LOCALHOST", "gpu.localhost"])(
    "the host %s is answered",
    async (host) => {
      expect((await get(open, "/livez", `Host: ${host}`)).status).toBe(200);
    },
  );

  test.each(["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "a b", "[::2]"])(
    "the host %s is 403: a name that was made to point here",
    async (host) => {
      expect(await get(open, "/livez", `Host: ${host}`)).toMatchObject({
        status: 403,
        body: { error: { code: "host_not_allowed" } },
      });
    },
  );

  test("a web page of another origin is 403, one of this machine is not", async () => {
    expect((await get(open, "/livez", "Host: localhost", "Origin: https://evil.example")).status).toBe(403);
    expect((await get(open, "/livez", "Host: localhost", "Origin: null")).status).toBe(403);
    expect((await get(open, "/livez", "Host: localhost", "Origin: http://localhost:5173")).status).toBe(200);
  });

  test.each(["0.0.0.0", "::", "192.168.1.7", "example.org", ""])("listening on %j is refused", async (host) => {
    const settings = { ...readSettings(gatewaySettings, {}), HOST: host };
    const starting = createGateway({ bus: open.bus, settings, log: createLog("gateway", "silent") });
    await expect(starting).rejects.toThrow(SpeechError);
    await expect(starting).rejects.toThrow(/^HOST: .* set API_KEYS/);
  });
});

test("a taken port is told in one sentence", async () => {
  const port = new URL(open.url).port;
  await expect(startTestGateway(server, { PORT: port })).rejects.toThrow(
    `PORT: ${port} on 127.0.0.1 is taken by another program`,
  );
});

describe("web pages of other origins", () => {
  const PAGE = "https://app.example.org";
  let listed: TestGateway;
  let any: TestGateway;
  beforeAll(async () => {
    listed = await startTestGateway(server, { CORS_ORIGINS: `${PAGE}, http://localhost:5173` });
    any = await startTestGateway(server, { CORS_ORIGINS: "*", API_KEYS: "first-key" });
  });
  afterAll(async () => {
    await listed.close();
    await any.close();
  });

  test("that are listed are answered without keys, errors too, and may read what tells them what to do", async () => {
    for (const path of ["/livez", "/api/v1/files/nobody"]) {
      const { headers } = await listed.call(path, { headers: { origin: PAGE } });
      expect(headers.get("access-control-allow-origin")).toBe(PAGE);
      expect(headers.get("vary")).toContain("Origin");
      expect(headers.get("access-control-expose-headers")).toContain("Retry-After");
    }
  });

  test("ask first, without a key, whether they may send what they want to", async () => {
    for (const gateway of [listed, any]) {
      const asked = await gateway.call("/api/v1/queue/submit", {
        method: "OPTIONS",
        headers: {
          origin: PAGE,
          "access-control-request-method": "POST",
          "access-control-request-headers": "x-api-key,content-type",
        },
      });
      expect(asked.status).toBe(204);
      expect(asked.headers.get("access-control-allow-origin")).toBe(PAGE);
      expect(asked.headers.get("access-control-allow-methods")).toContain("POST");
      expect(asked.headers.get("access-control-allow-headers")).toMatch(/Authorization.*Content-Type.*X-API-Key/);
    }
    const posted = await any.call("/metrics", { headers: { origin: PAGE } });
    expect([posted.status, posted.headers.get("access-control-allow-origin")]).toEqual([401, PAGE]);
    const keyed = await any.call("/metrics", { headers: { origin: PAGE, "x-api-key": "first-key" } });
    expect(keyed.status).toBe(200);
  });

  test("that are not listed are told so, and get no word that a browser would take for leave", async () => {
    for (const origin of [
      "https://evil.example",
      "https://app.example.org.evil.example",
      "null",
      "https://APP.example.org",
    ]) {
      const { status, body, headers } = await listed.json("/livez", { headers: { origin } });
      expect(status).toBe(403);
      expect(body).toMatchObject({ error: { message: expect.stringContaining("CORS_ORIGINS") } });
      expect(headers.has("access-control-allow-origin")).toBe(false);
      const asked = await listed.call("/livez", {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
      expect([asked.status, asked.headers.has("access-control-allow-origin")]).toEqual([403, false]);
    }
    const other = await keyed.call("/livez", { headers: { origin: "https://evil.example" } });
    expect([other.status, other.headers.has("access-control-allow-origin")]).toEqual([200, false]);
  });

  test("a listed page reaches no gateway through a name that was made to point here", async () => {
    expect((await get(listed, "/livez", "Host: evil.example", `Origin: ${PAGE}`)).status).toBe(403);
  });

  test("all of them need keys, and what is no origin stops the start", async () => {
    await expect(startTestGateway(server, { CORS_ORIGINS: "*" })).rejects.toThrow(
      /^CORS_ORIGINS: \* lets every web page/,
    );
    for (const bad of ["app.example.org", "https://app.example.org/", "https://*.example.org", "null"]) {
      expect(() => readSettings(["CORS_ORIGINS"], { CORS_ORIGINS: bad })).toThrow(/^CORS_ORIGINS: must be origins/);
    }
  });
});
