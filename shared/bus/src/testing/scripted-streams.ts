/**
 * Streams that answer what a test says: on a real server without JetStream, so that its API's subjects are free. For the orders
 * of answers that a real cluster gives only now and then: a replica that lags, a leader that has just changed.
 */
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { headers, type Msg } from "nats";
import { connectBus } from "../connection.ts";
import type { Bus } from "../types.ts";

export interface ScriptedStreams {
  readonly server: TestServer;
  readonly bus: Bus;
  /** Answers requests on a subject; each is given its number, from 0. */
  answer(subject: string, respond: (request: Msg, count: number) => void): Promise<void>;
  close(): Promise<void>;
}

export async function startScriptedStreams(binary?: string): Promise<ScriptedStreams> {
  const server = await startTestServer({ ...(binary ? { binary } : {}), jetstream: false, topology: false });
  const nc = await server.connect();
  const bus = await connectBus({ name: "test", ...server.as() });
  return {
    server,
    bus,
    async answer(subject, respond) {
      let count = 0;
      nc.subscribe(subject, { callback: (_, request) => respond(request, count++) });
      await nc.flush();
    },
    async close() {
      await bus.close();
      await server.stop();
    },
  };
}

/** As a replica sends a stored message in answer to a request for many. */
export function respondStored(request: Msg, seq: number, subject: string, data: string): void {
  const stored = headers();
  stored.set("Nats-Stream", "RESULTS");
  stored.set("Nats-Subject", subject);
  stored.set("Nats-Sequence", String(seq));
  stored.set("Nats-Time-Stamp", new Date(seq).toISOString());
  request.respond(data, { headers: stored });
}

/** A message without payload that is only a status, as the server ends a batch (204) or finds nothing (404). */
export function respondStatus(request: Msg, code: number, pending?: number): void {
  const status = headers(code, "said by the test");
  if (pending !== undefined) status.set("Nats-Num-Pending", String(pending));
  request.respond("", { headers: status });
}
