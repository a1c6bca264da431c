import { type Bus, connectBus, openBatchNotebook } from "@parlance/bus";
import { buckets } from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { createLog } from "@parlance/telemetry";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ScriptedIngest, startScriptedIngest } from "../testing/scripted-ingest.ts";
import { createLiveLink } from "./live-link.ts";
import { liveOptionsOf, newSession } from "./session-config.ts";

let server: TestServer;
let bus: Bus;
let ingest: ScriptedIngest;
beforeAll(async () => {
  server = await startTestServer();
  bus = await connectBus({ name: "gateway", ...server.as("gateway") });
  ingest = await startScriptedIngest(server);
});
afterAll(async () => {
  await bus.close();
  await ingest.close();
  await server.stop();
});

it("goes on in order and no faster than it may, holds its client meanwhile, and is kept alive while that is quiet", async () => {
  let now = 0;
  const held: boolean[] = [];
  const notebook = openBatchNotebook(bus);
  const link = createLiveLink({
    gateway: { bus, notebook, files: await bus.files(buckets.files), log: createLog("gateway", "silent") },
    sessionId: "linked",
    events: { state: () => {}, partial: () => {}, final: () => {}, ended: () => {} },
    hold: (isHeld) => held.push(isHeld),
    now: () => now,
  });
  link.keepAlive();
  expect(ingest.sessions.size).toBe(0);
  link.call({ do: "open", options: liveOptionsOf(newSession) });
  for (let sent = 0; sent < 8; sent += 1) link.call({ do: "audio", audio: new Uint8Array(96_000) });
  link.call({ do: "finalize" });
  expect([held.at(-2), held.at(-1)]).toEqual([false, true]);
  const session = () => ingest.sessions.get("linked");
  await expect.poll(() => session()?.heard).toBe(14 * 24_000);
  expect(session()?.signs).toEqual([]);
  now += 1_000;
  await expect.poll(() => session()?.signs).toEqual(["finalize"]);
  expect([session()?.heard, held.at(-1)]).toEqual([16 * 24_000, false]);
  now += 4_999;
  link.keepAlive();
  expect(session()?.keptAlive).toBe(0);
  now += 1;
  link.keepAlive();
  await expect.poll(() => session()?.keptAlive).toBe(1);
  link.cancel();
  await expect.poll(() => session()?.cancelled).toBe(true);
});
