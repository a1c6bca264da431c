/** A real nats-server for a test: on a free port, with a folder of its own and the topology in place. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readSettings } from "@parlance/contracts";
import { connect, type NatsConnection } from "nats";
import { type Credentials, credentialOf, generateCredentials } from "./config/credentials.ts";
import { ensureTopology } from "./ensure-topology.ts";
import { findServer } from "./server/find-server.ts";
import { type RunningServer, runServer } from "./server/launcher.ts";
import { type FoundServer, isFound, lookAt, lookInCache, lookOnPath } from "./server/search.ts";
import { serverSources } from "./server/sources.ts";
import { type TopologySettings, topologySettings } from "./topology.ts";

export interface TestServerOptions {
  /** Over small limits that suit a test. */
  settings?: Partial<TopologySettings>;
  /** Every service with its own user; connections without one are the publisher. Default: everybody may do everything. */
  secured?: boolean;
  /** Names of publishers that have an account of their own on a secured server. */
  publishers?: string[];
  /** Default: what `findServer` finds. */
  binary?: string;
  /** Default true. */
  topology?: boolean;
  /** Default true. */
  jetstream?: boolean;
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  readonly credentials: Credentials | undefined;
  readonly settings: TopologySettings;
  /** For `connectBus({ name, ...server.as("gateway") })`; also by a publisher's name. Without a user: the topology's own, who may do everything. */
  as(user?: string): { url: string; user?: string; password?: string };
  /** A plain connection, closed by `stop`. */
  connect(user?: string): Promise<NatsConnection>;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Starts again what was killed, or restarts what runs: same port, same files. */
  restart(): Promise<void>;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

const MIB = 1_048_576;
const testSettings: Partial<TopologySettings> = {
  JOBS_MAX_BYTES: 256 * MIB,
  INTAKE_MAX_BYTES: 64 * MIB,
  FILES_MAX_BYTES: 256 * MIB,
};

const repository = fileURLToPath(new URL("../..", import.meta.url));
const cacheDir = resolve(repository, readSettings(["NATS_SERVER_CACHE"], process.env).NATS_SERVER_CACHE ?? "");

/**
 * Every nats-server that is at hand, so that a suite can run against each: those that NATS_SERVER_BINS lists (separated like
 * PATH), NATS_SERVER_BIN, PATH and the cache. When there is none, one is fetched.
 */
export async function testServers(): Promise<FoundServer[]> {
  const named = [...(process.env.NATS_SERVER_BINS ?? "").split(delimiter), process.env.NATS_SERVER_BIN ?? ""];
  const looked = [
    ...(await Promise.all(named.filter((binary) => binary !== "").map((binary) => lookAt(binary, binary)))),
    await lookOnPath(process.env.PATH),
    ...(await lookInCache(cacheDir)),
  ];
  const byVersion = new Map(looked.filter(isFound).map((found) => [found.version, found]));
  return byVersion.size > 0 ? [...byVersion.values()] : [await findTestServer()];
}

function findTestServer(): Promise<FoundServer> {
  const { NATS_SERVER_BIN: serverBin, PATH: path } = process.env;
  return findServer({ serverBin, path, cacheDir, sources: serverSources });
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const binary = options.binary ?? (await findTestServer()).binary;
  const folder = await mkdtemp(join(tmpdir(), "parlance-nats-"));
  const credentials = options.secured ? generateCredentials({}, options.publishers) : undefined;
  const settings: TopologySettings = { ...readSettings(topologySettings, {}), ...testSettings, ...options.settings };
  const connections = new Set<NatsConnection>();
  let server: RunningServer = await start(-1);

  async function start(port: number): Promise<RunningServer> {
    return await runServer({ binary, storeDir: folder, port, credentials, jetstream: options.jetstream });
  }

  function as(user?: string): { url: string; user?: string; password?: string } {
    return { url: server.url, ...(credentials && credentialOf(credentials, user ?? "topology")) };
  }

  async function connectAs(user?: string): Promise<NatsConnection> {
    const { url, user: name, password } = as(user);
    const login = name === undefined ? {} : { user: name, pass: password ?? "", inboxPrefix: `_INBOX_${name}` };
    const connection = await connect({ servers: url, ...login, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    connections.add(connection);
    return connection;
  }

  async function kill(): Promise<void> {
    process.kill(server.pid, "SIGKILL");
    await server.exited;
  }

  async function stop(): Promise<void> {
    await Promise.all([...connections].map((connection) => connection.close()));
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }

  if (options.topology ?? true) {
    try {
      const connection = await connectAs();
      await ensureTopology(connection, { settings });
      await connection.close();
    } catch (error) {
      await stop();
      throw error;
    }
  }

  return {
    get url() {
      return server.url;
    },
    get pid() {
      return server.pid;
    },
    version: server.version,
    credentials,
    settings,
    as,
    connect: connectAs,
    kill,
    async restart() {
      await server.stop();
      server = await start(server.port);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
