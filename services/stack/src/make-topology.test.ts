import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { createLog } from "@parlance/telemetry";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeTopology } from "./make-topology.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ secured: true });
});
afterAll(() => server.stop());

const lines: { msg: string; created: string[] }[] = [];
const log = createLog("stack", "info", { destination: { write: (line) => lines.push(JSON.parse(line)) } });

async function make(password?: string): Promise<void> {
  const { url, user = "", password: right = "" } = server.as("topology");
  await makeTopology({ url, user, password: password ?? right, storeBytes: 10e9 }, { environment: process.env, log });
}

it("the streams are made once, and what was made is told", async () => {
  await make();
  await make();
  expect(lines.map(({ msg }) => msg)).toEqual(Array(2).fill("the NATS topology is in place"));
  expect(lines[1]?.created).toEqual([]);
});

it("what is wrong is told by the process that found it", async () => {
  await expect(make("guess")).rejects.toThrow(/authorization/i);
});

it("settings that contradict each other stop it in one sentence that names one", async () => {
  const { url, user = "", password = "" } = server.as("topology");
  const environment = { ...process.env, NATS_REPLICAS: "3", LEASE_TTL: "10" };
  await expect(makeTopology({ url, user, password, storeBytes: 10e9 }, { environment, log })).rejects.toThrow(
    /^(LEASE_TTL|NATS_REPLICAS): /,
  );
});
