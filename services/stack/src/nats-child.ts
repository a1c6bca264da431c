/** nats-server for as long as the stack runs: found or fetched, with its topology, and started again when it dies. */
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Settings } from "@parlance/contracts";
import {
  type Credentials,
  ensureCredentials,
  findServer,
  type RunningServer,
  runServer,
  serverSources,
} from "@parlance/nats";
import type { Log } from "@parlance/telemetry";
import { makeTopology } from "./make-topology.ts";
import { memoryLimit } from "./memory-limit.ts";
import { natsMemory } from "./nats-memory.ts";

export const natsChildSettings = [
  "NATS_MEMORY_BYTES",
  "NATS_PORT",
  "NATS_SERVER_BIN",
  "NATS_SERVER_CACHE",
  "NATS_STORE_DIR",
  "PUBLISHERS",
] as const;

export interface NatsChildOptions {
  settings: Settings<(typeof natsChildSettings)[number]>;
  environment: NodeJS.ProcessEnv;
  stateDir: string;
  /** What to stop where another start finds JetStream's folder in use. */
  program: string;
  log: Log;
  onPid: (pid: number | undefined) => void;
  /** Called with a sentence when nothing can be stored any more, and with undefined when it can again. */
  onStoreProblem: (sentence: string | undefined) => void;
}

export interface SupervisedNats {
  url: string;
  credentials: Credentials;
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Throws an error of one sentence when no server can be had or it does not start. */
export async function startNats({
  settings,
  environment,
  stateDir,
  program,
  log,
  onPid,
  onStoreProblem,
}: NatsChildOptions): Promise<SupervisedNats> {
  const found = await findServer({
    serverBin: settings.NATS_SERVER_BIN,
    path: environment.PATH,
    cacheDir: resolve(settings.NATS_SERVER_CACHE),
    sources: serverSources,
    log,
  });
  const credentials = ensureCredentials(stateDir, settings.PUBLISHERS);
  const storeDir = resolve(settings.NATS_STORE_DIR ?? join(stateDir, "jetstream"));
  const { binary } = found;
  const memoryBytes = natsMemory(settings.NATS_MEMORY_BYTES, memoryLimit());
  const run = (port: number) =>
    runServer({ binary, storeDir, port, credentials, memoryBytes, program, log, onStoreProblem });

  let server: RunningServer = await run(settings.NATS_PORT);
  const { url, port } = server;
  let stopping = false;
  onPid(server.pid);

  const make = ({ storeBytes }: RunningServer) =>
    makeTopology({ url, ...credentials.topology, storeBytes }, { environment, log });
  try {
    await make(server);
  } catch (error) {
    stopping = true;
    await server.stop();
    throw error;
  }

  void keepRunning();

  async function keepRunning(): Promise<void> {
    for (;;) {
      const how = await server.exited;
      onPid(undefined);
      if (stopping) return;
      log.warn({ how }, "nats-server ended; starting it again");
      await startAgain();
      void makeAgain(server);
    }
  }

  /** With its process a server that is alone forgets the streams that it had in memory, and their durables. */
  async function makeAgain(restarted: RunningServer): Promise<void> {
    while (!stopping && server === restarted) {
      try {
        return await make(restarted);
      } catch (error) {
        if (stopping) return;
        log.warn({ err: error }, "the NATS topology could not be made again; trying again");
        await pause(LONGEST_PAUSE_MS);
      }
    }
  }

  async function startAgain(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !stopping; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      await pause(pauseMs);
      try {
        server = await run(port);
        onPid(server.pid);
        if (stopping) await server.stop();
        return;
      } catch (error) {
        log.error({ err: error }, "nats-server did not start again");
      }
    }
  }

  return {
    url,
    credentials,
    async stop() {
      stopping = true;
      await server.stop();
    },
  };
}
