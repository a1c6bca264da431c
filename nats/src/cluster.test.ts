import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { jetstreamManager } from "@nats-io/jetstream";
import { readSettings } from "@parlance/contracts";
import { connect, type NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderConfig } from "./config.ts";
import { ensureTopology } from "./ensure-topology.ts";
import { testServers } from "./testing.ts";
import { topologySettings } from "./topology.ts";

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" ? (address?.port ?? 0) : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const certFile = fixture("test-only-cert.pem");
const tls = { certFile, keyFile: fixture("test-only-key.pem"), caFile: certFile };

/** The newest server only: a cluster takes seconds to elect its leaders. */
describe("a three-node cluster", () => {
  let folder: string;
  let nodes: ChildProcess[];
  let urls: string[];
  let nc: NatsConnection;
  beforeAll(async () => {
    const [{ binary } = { binary: "" }] = await testServers();
    folder = await mkdtemp(join(tmpdir(), "parlance-cluster-"));
    const ports = await freePorts(6);
    const [clients, routes] = [ports.slice(0, 3), ports.slice(3)];
    urls = clients.map((port) => `nats://127.0.0.1:${port}`);
    nodes = await Promise.all(
      clients.map(async (port, index) => {
        const file = join(folder, `node-${index}.conf`);
        const config = renderConfig({
          serverName: `node-${index}`,
          host: "127.0.0.1",
          port,
          storeDir: join(folder, `store-${index}`),
          maxFileStore: 2 ** 40,
          syncAlways: false,
          cluster: {
            name: "test",
            host: "127.0.0.1",
            port: routes[index] ?? 0,
            tls,
            routes: routes.map((route) => `nats-route://127.0.0.1:${route}`),
          },
        });
        await writeFile(file, config);
        return spawn(binary, ["-c", file], { stdio: "ignore" });
      }),
    );
    nc = await connectWithin(urls);
  }, 30_000);
  afterAll(async () => {
    await nc.close();
    await Promise.all(
      nodes.map(async (node) => {
        node.kill("SIGKILL");
        if (node.exitCode === null && node.signalCode === null) await once(node, "exit");
      }),
    );
    await rm(folder, { recursive: true, force: true });
  });

  it("keeps every message while one of its nodes is killed", async () => {
    const settings = { ...readSettings(topologySettings, {}), NATS_REPLICAS: 3, LEASE_TTL: 20 };
    await ensureTopology(nc, { settings });
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    const js = jsm.jetstream();
    await js.publish("speech.job.transcribe.batch.b.0.0", "before", { msgID: "b.0.0" });
    const leader = (await jsm.streams.info("JOBS")).cluster?.leader ?? "";
    const other = nodes.findIndex((_, index) => `node-${index}` !== leader && !urls[index]?.endsWith(nc.getServer()));
    nodes[other]?.kill("SIGKILL");
    await js.publish("speech.job.transcribe.batch.b.0.1", "after", { msgID: "b.0.1", timeout: 10_000 });
    const { state, config } = await jsm.streams.info("JOBS");
    expect([state.messages, config.num_replicas]).toEqual([2, 3]);
  }, 40_000);
});

async function connectWithin(servers: string[]): Promise<NatsConnection> {
  for (let tries = 0; ; tries++) {
    try {
      return await connect({ servers, maxReconnectAttempts: -1 });
    } catch (error) {
      if (tries > 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
