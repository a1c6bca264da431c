/** A gateway on a free port over a real nats-server, called by real HTTP. */
import { type Bus, connectBus } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import { startTestServer, type TestServer, type TestServerOptions } from "@parlance/nats/testing";
import { createLog } from "@parlance/telemetry";
import { createGateway, type GatewayOptions } from "../gateway.ts";
import { gatewaySettings } from "../gateway-context.ts";
import { type FakePipeline, startFakePipeline } from "./fake-pipeline.ts";

export interface TestGateway {
  url: string;
  bus: Bus;
  call(path: string, init?: RequestInit): Promise<Response>;
  json(path: string, init?: RequestInit): Promise<{ status: number; body: unknown; headers: Headers }>;
  post(path: string, body: unknown, headers?: Record<string, string>): ReturnType<TestGateway["json"]>;
  upload(content: string | Uint8Array<ArrayBuffer>, filename?: string): Promise<string>;
  tellStoreProblem(problem: string | undefined): void;
  close(): Promise<void>;
}

type Overrides = Partial<Pick<GatewayOptions, "limits" | "now" | "log" | "sockets">>;

export async function startTestGateway(
  server: TestServer,
  environment: Record<string, string> = {},
  overrides: Overrides = {},
): Promise<TestGateway> {
  const bus = await connectBus({ name: "gateway", ...server.as("gateway") });
  const gateway = await createGateway({
    bus,
    settings: readSettings(gatewaySettings, { PORT: "0", ...environment }),
    log: createLog("gateway", "silent"),
    ...overrides,
  });
  const { url } = await gateway.listen();
  const call = (path: string, init?: RequestInit) => fetch(`${url}${path}`, init);
  const json = async (path: string, init?: RequestInit) => {
    const response = await call(path, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  };
  return {
    url,
    bus,
    call,
    json,
    post: (path, body, headers = {}) =>
      json(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    async upload(content, filename = "a.wav") {
      const { body } = await json("/api/v1/files/upload", {
        method: "POST",
        body: audioForm("file", content, filename),
      });
      return (body as { file_id: string }).file_id;
    },
    tellStoreProblem: gateway.tellStoreProblem,
    async close() {
      await gateway.close();
      await bus.close();
    },
  };
}

export interface TestRig {
  server: TestServer;
  pipeline: FakePipeline;
  close(): Promise<void>;
}

export async function startRig(options: TestServerOptions = {}): Promise<TestRig> {
  const server = await startTestServer({ secured: true, ...options });
  const pipeline = await startFakePipeline(server);
  return {
    server,
    pipeline,
    async close() {
      await pipeline.close();
      await server.stop();
    },
  };
}

export function audioForm(
  field: string,
  content: string | Uint8Array<ArrayBuffer>,
  filename = "a.wav",
  fields: Record<string, string> = {},
): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append(field, new Blob([content], { type: "audio/wav" }), filename);
  return form;
}

export async function eventually<T>(look: () => Promise<T | undefined>, withinMs = 25_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error("it never came");
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
