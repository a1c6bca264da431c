/**
 * The whole pipeline on one machine: nats-server, the topology, and every service as a child process.
 *
 * Promises: what it started it stops, services before nats-server, so that they can give back what they hold; a service
 * or a nats-server that dies is started again; a start error is one line; a folder in which another start runs is left alone. Its
 * only state is `running.json`.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Settings } from "@parlance/contracts";
import { type FolderLock, lockFolder } from "@parlance/nats";
import { type Log, storeMessage } from "@parlance/telemetry";
import { type ChildService, startChildService } from "./child-service.ts";
import { type SupervisedNats, startNats } from "./nats-child.ts";
import { createRunningFile } from "./running-file.ts";
import { type ServicesMetrics, serveServicesMetrics } from "./services-metrics.ts";
import { planWorkers, workerPlanSettings } from "./worker-plan.ts";

export const stackSettings = [
  "METRICS_PORT",
  "NATS_PORT",
  "NATS_SERVER_BIN",
  "NATS_SERVER_CACHE",
  "NATS_STORE_DIR",
  "PUBLISHERS",
  "STATE_DIR",
  ...workerPlanSettings,
] as const;

export interface StackOptions {
  settings: Settings<(typeof stackSettings)[number]>;
  environment: NodeJS.ProcessEnv;
  log: Log;
  onLine: (service: string, line: string, stream: "out" | "err") => void;
}

export interface Stack {
  gatewayUrl: string;
  natsUrl: string;
  /** Where the metrics of all services are, when METRICS_PORT is set. */
  metricsUrl: string | undefined;
  /** Aborts when STATE_DIR is no longer this stack's own: what is left is to stop. */
  lost: AbortSignal;
  stop(): Promise<void>;
}

/** What whoever finds our folders in use should stop. */
const PROGRAM = "npm start";

/** Services wait more than they compute: a small young generation and one V8 thread halve the memory that is theirs alone. */
const smallNode = ["--max-semi-space-size=1", "--v8-pool-size=1"];

type Service = "gateway" | "ingest" | "results" | "transcribe-worker" | "tts-worker";

function mainOf(service: Service): string {
  return fileURLToPath(new URL(`../../${service}/dist/main.js`, import.meta.url));
}

export async function startStack({ settings, environment, log, onLine }: StackOptions): Promise<Stack> {
  const stateDir = resolve(settings.STATE_DIR ?? ".parlance");
  const lock = await lockFolder(stateDir, { name: "STATE_DIR", setting: "STATE_DIR", program: PROGRAM, log });
  try {
    return await startLocked(stateDir, lock, { settings, environment, log, onLine });
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function startLocked(
  stateDir: string,
  lock: FolderLock,
  { settings, environment, log, onLine }: StackOptions,
): Promise<Stack> {
  const running = createRunningFile(stateDir);
  const onPid = (service: string, pid: number | undefined) =>
    running.update((file) => {
      if (pid === undefined) delete file.pids[service];
      else file.pids[service] = pid;
    });

  const children: ChildService[] = [];
  let nats: SupervisedNats | undefined;
  let metrics: ServicesMetrics | undefined;

  async function stop(): Promise<void> {
    await Promise.all(children.map((child) => child.stop()));
    await nats?.stop();
    await metrics?.close();
    running.remove();
    lock.release();
  }

  try {
    const workers = await planWorkers(settings, { environment });
    if (settings.METRICS_PORT !== undefined) {
      metrics = await serveServicesMetrics({ port: settings.METRICS_PORT, services: children });
    }
    nats = await startNats({
      settings,
      environment,
      stateDir,
      program: PROGRAM,
      log,
      onPid: (pid) => onPid("nats-server", pid),
      onStoreProblem(problem) {
        for (const child of children) child.tell(storeMessage(problem));
      },
    });
    const { url, credentials } = nats;
    running.update((file) => {
      file.natsUrl = url;
    });
    const start = async (service: Service, name: string = service, more: NodeJS.ProcessEnv = {}) => {
      const { user, password } = credentials[service];
      const own: NodeJS.ProcessEnv = {
        ...environment,
        ...more,
        // Theirs are on the stack's page: one port cannot be everybody's.
        METRICS_PORT: "",
        NATS_URL: url,
        NATS_USER: user,
        NATS_PASSWORD: password,
        // One heap for all threads: glibc would keep one for each.
        MALLOC_ARENA_MAX: environment.MALLOC_ARENA_MAX ?? "1",
        // Compiled code is kept, so that a service that died is back sooner.
        NODE_COMPILE_CACHE: environment.NODE_COMPILE_CACHE ?? resolve(".parlance/compile-cache"),
      };
      const child = startChildService({
        name,
        main: mainOf(service),
        environment: own,
        nodeOptions: smallNode,
        onLine,
        onPid,
      });
      children.push(child);
      const ready = await child.ready;
      // A free port that was picked once stays the same when the service is started again.
      if (ready.url !== undefined) own.PORT = new URL(ready.url).port;
      return ready;
    };
    const [gateway] = await Promise.all([
      start("gateway"),
      start("ingest"),
      start("results"),
      ...workers.map(({ service, name, settings: own }) => start(service, name, own)),
    ]);
    const gatewayUrl = gateway.url ?? "";
    running.update((file) => {
      if (metrics !== undefined) file.metricsUrl = metrics.url;
      file.gatewayUrl = gatewayUrl;
    });
    return { gatewayUrl, natsUrl: url, metricsUrl: metrics?.url, lost: lock.lost, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
