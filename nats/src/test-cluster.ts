/** Three real nats-servers as one cluster, for what only a cluster does: replicas that lag, leaders that change. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect, type NatsConnection } from "nats";
import { renderConfig } from "./config/config.ts";
import { accountsWith, type Credential, type Credentials } from "./config/credentials.ts";
import { testServers } from "./testing.ts";

export interface TestCluster {
  /** By number: `node-<number>` is a node's name. */
  readonly nodes: readonly { url: string; process: ChildProcess }[];
  /** To all of them. */
  readonly urls: string[];
  readonly nc: NatsConnection;
  stop(): Promise<void>;
}

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const certFile = fixture("test-only-cert.pem");
const tls = { certFile, keyFile: fixture("test-only-key.pem"), caFile: certFile };

export interface TestClusterOptions {
  /** Default: the newest server at hand, for a cluster takes seconds to elect its leaders. */
  binary?: string;
  /** Default: everybody may do everything. With them `nc` is the topology's. */
  credentials?: Credentials;
}

export async function startTestCluster({ binary, credentials }: TestClusterOptions = {}): Promise<TestCluster> {
  const program = binary ?? (await testServers())[0]?.binary ?? "";
  const folder = await mkdtemp(join(tmpdir(), "parlance-cluster-"));
  const ports = await freePorts(6);
  const [clients, routes] = [ports.slice(0, 3), ports.slice(3)];
  const urls = clients.map((port) => `nats://127.0.0.1:${port}`);
  const accounts = credentials && accountsWith(credentials);
  const processes = await Promise.all(
    clients.map(async (port, index) => {
      const file = join(folder, `node-${index}.conf`);
      const config = renderConfig({
        serverName: `node-${index}`,
        host: "127.0.0.1",
        port,
        storeDir: join(folder, `store-${index}`),
        maxFileStore: 2 ** 40,
        syncAlways: false,
        accounts,
        cluster: {
          name: "test",
          host: "127.0.0.1",
          port: routes[index] ?? 0,
          tls,
          routes: routes.map((route) => `nats-route://127.0.0.1:${route}`),
        },
      });
      await writeFile(file, config);
      return spawn(program, ["-c", file], { stdio: "ignore" });
    }),
  );
  const nc = await connectWithin(urls, credentials?.topology);
  return {
    nodes: processes.map((process, index) => ({ process, url: urls[index] ?? "" })),
    urls,
    nc,
    async stop() {
      await nc.close();
      await Promise.all(
        processes.map(async (node) => {
          node.kill("SIGKILL");
          if (node.exitCode === null && node.signalCode === null) await once(node, "exit");
        }),
      );
      await rm(folder, { recursive: true, force: true });
    },
  };
}

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

async function connectWithin(servers: string[], login?: Credential): Promise<NatsConnection> {
  const who = login === undefined ? {} : { user: login.user, pass: login.password };
  for (let tries = 0; ; tries++) {
    try {
      return await connect({ servers, ...who, maxReconnectAttempts: -1 });
    } catch (error) {
      if (tries > 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
