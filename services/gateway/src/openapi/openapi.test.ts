import { errorTable } from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestGateway, type TestGateway } from "../testing/test-gateway.ts";
import { openapiDocument } from "./openapi.ts";

interface Operation {
  operationId: string;
  responses: Record<string, { description: string }>;
  security?: unknown[];
}
const paths = openapiDocument().paths as Record<string, Record<string, Operation>>;

describe("/openapi.json", () => {
  let server: TestServer;
  let gateway: TestGateway;
  beforeAll(async () => {
    server = await startTestServer();
    gateway = await startTestGateway(server);
  });
  afterAll(async () => {
    await gateway.close();
    await server.stop();
  });

  test("is valid OpenAPI 3.1", async () => {
    const { body } = await gateway.json("/openapi.json");
    const validator = new Validator();
    const { valid, errors } = await validator.validate(body as Record<string, unknown>);
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(validator.version).toBe("3.1");
    expect(() => validator.resolveRefs()).not.toThrow();
  });

  test("every operation in it is routed, and refuses as it says", async () => {
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const response = await gateway.call(path.replace(/\{\w+\}/, "nobody"), { method: method.toUpperCase() });
        // An event stream has no end.
        if (response.headers.get("content-type")?.startsWith("text/event-stream")) await response.body?.cancel();
        else await response.arrayBuffer();
        expect(response.status, `${method} ${path}`).not.toBe(405);
        expect(Object.keys(operation.responses), `${method} ${path}`).toContain(String(response.status));
      }
    }
  });
});

test("every error code that a request can meet is documented", () => {
  const documented = JSON.stringify(paths);
  // These come before a request is one, or belong to messages.
  const elsewhere = new Set(["not_found", "method_not_allowed", "invalid_request", "headers_too_large"]);
  const onTheBus = new Set([
    "job_invalid",
    "batch_id_taken",
    "not_owner",
    "upload_incomplete",
    "upload_differs",
    "cancelled",
  ]);
  for (const code of Object.keys(errorTable)) {
    if (!elsewhere.has(code) && !onTheBus.has(code)) expect(documented, code).toContain(`\`${code}\``);
  }
});

test("requests are described as they are written, with defaults and languages", () => {
  const { components } = openapiDocument() as { components: { schemas: Record<string, { required?: string[] }> } };
  expect(components.schemas.SubmitRequest?.required).toEqual(["items"]);
  expect(JSON.stringify(components.schemas.SubmitRequest)).toContain('"maxItems":1000');
  expect(components.schemas.BatchStatus?.required).toContain("items");
});
