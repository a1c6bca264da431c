/** A gateway with an ingest that is scripted, for tests of the sockets of live sessions. */
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, afterEach, beforeAll } from "vitest";
import { type ScriptedIngest, startScriptedIngest } from "./scripted-ingest.ts";
import { openClient, type SocketClient, type Told } from "./socket-client.ts";
import { startTestGateway, type TestGateway } from "./test-gateway.ts";

export interface LiveSocketRig {
  readonly server: TestServer;
  readonly ingest: ScriptedIngest;
  readonly gateway: TestGateway;
  /** Ends with its test. Default: to the rig's own gateway. */
  connect(path: string, options?: Parameters<typeof openClient>[1], to?: TestGateway): Promise<SocketClient>;
}

/** Set up for all tests of the file. */
export function useLiveSockets(settings: Parameters<typeof startTestGateway>[1] = {}): LiveSocketRig {
  const clients: SocketClient[] = [];
  let server: TestServer;
  let ingest: ScriptedIngest;
  let gateway: TestGateway;

  beforeAll(async () => {
    server = await startTestServer({ secured: true });
    ingest = await startScriptedIngest(server);
    gateway = await startTestGateway(server, settings);
  });
  afterEach(() => {
    for (const { ws } of clients.splice(0)) ws.terminate();
  });
  afterAll(async () => {
    await gateway.close();
    await ingest.close();
    await server.stop();
  });

  return {
    get server() {
      return server;
    },
    get ingest() {
      return ingest;
    },
    get gateway() {
      return gateway;
    },
    async connect(path, options = {}, to = gateway) {
      const client = await openClient(`${to.url}${path}`, options);
      clients.push(client);
      return client;
    },
  };
}

/** As a microphone has it: pieces of 100 ms at 16 kHz. */
export function speak(client: SocketClient, audio: Buffer, bytes = 3_200): void {
  for (let at = 0; at < audio.length; at += bytes) client.send(audio.subarray(at, at + bytes));
}

export function toldOf(client: SocketClient, type: string): Told[] {
  return client.told.filter((message) => message.type === type);
}
