import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { serveFiles } from "./served-files.ts";

let server: TestServer;
let gateway: TestGateway;

beforeAll(async () => {
  server = await startTestServer();
  gateway = await startTestGateway(server, { API_KEYS: "secret" });
});
afterAll(async () => {
  await gateway.close();
  await server.stop();
});

describe("the page", () => {
  test("is served without a key, under a policy that allows nothing inline and nothing from elsewhere", async () => {
    const response = await gateway.call("/");
    expect(response.status).toBe(200);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style| style=| on[a-z]+=|https?:/);
    for (const [, path = ""] of html.matchAll(/(?:href|src)="(\/[^"]*)"/g)) {
      const file = await gateway.call(path);
      await file.arrayBuffer();
      expect([path, file.status]).toEqual([path, 200]);
    }
  });

  test("answers 304 to who has it, and 404 to who asks for something else", async () => {
    const first = await gateway.call("/console/app.ts");
    await first.arrayBuffer();
    expect(first.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    const again = await gateway.call("/console/app.ts", {
      headers: { "if-none-match": first.headers.get("etag") ?? "" },
    });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    for (const path of ["/console/none.ts", "/console/..%2Findex.ts", "/console/tsconfig.json"])
      expect((await gateway.json(path)).status, path).toBe(404);
  });

  test("is under 120 kB on the wire, all of it", () => {
    const bytes = [...serveFiles().values()].reduce((sum, { br }) => sum + br.byteLength, 0);
    expect(bytes).toBeLessThan(120_000);
  });

  test("asks nothing but what the API's document has", async () => {
    const { body } = await gateway.json("/openapi.json", { headers: { "x-api-key": "secret" } });
    const { paths } = z.object({ paths: z.record(z.string(), z.unknown()) }).parse(body);
    const documented = Object.keys(paths).map((path) => path.split("/"));
    const isOpen = (part = "") => /[{]/.test(part);
    const matches = (asked: string[], path: string[]) =>
      asked.length === path.length && asked.every((part, n) => part === path[n] || isOpen(part) || isOpen(path[n]));
    const asked = [...serveFiles().values()].flatMap(
      ({ plain }) => plain.toString().match(/\/(?:api\/)?v1\/(?:\$\{[^}]*\}|[\w/-])+/g) ?? [],
    );
    expect(asked).toContain("/api/v1/events");
    expect(asked.filter((path) => !documented.some((known) => matches(path.split("/"), known)))).toEqual([]);
  });

  test("opens nothing else: what it asks for needs the key", async () => {
    for (const path of ["/api/v1/queue/batches", "/api/v1/events", "/console", "//console/app.ts"])
      expect((await gateway.json(path)).status, path).toBe(401);
  });
});
