/**
 * The whole pipeline on one machine: nats-server, the topology, and the services, in one process or in one each.
 *
 * What it started it stops, services before nats-server, so that they can give back what they hold. A service or a
 * nats-server that dies is started again. A start error is one line, and a folder in which another start runs is left
 * alone. Its only state is `running.json`.
 */
import { resolve } from "node:path";
import type { Settings } from "@parlance/contracts";
import { type FolderLock, lockFolder } from "@parlance/nats";
import { type Log, storeMessage } from "@parlance/telemetry";
import { memoryLimit } from "./memory-limit.ts";
import { natsChildSettings, type SupervisedNats, startNats } from "./nats-child.ts";
import { plannedServices } from "./planned-services.ts";
import { chooseProcesses } from "./processes.ts";
import { createRunningFile } from "./running-file.ts";
import type { ServicesMetrics } from "./services-metrics.ts";
import { type ServicePage, type StartedServices, startServices } from "./start-services.ts";
import { planWorkers, workerPlanSettings } from "./worker-plan.ts";

export const stackSettings = [
  "METRICS_PORT",
  "PROCESSES",
  "STATE_DIR",
  ...natsChildSettings,
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

  const processes = chooseProcesses(settings.PROCESSES, memoryLimit());
  const pages: ServicePage[] = [];
  let services: StartedServices | undefined;
  let nats: SupervisedNats | undefined;
  let metrics: ServicesMetrics | undefined;

  async function stop(): Promise<void> {
    await services?.stop();
    await nats?.stop();
    await metrics?.close();
    running.remove();
    lock.release();
  }

  try {
    const workers = await planWorkers(settings, { environment });
    if (settings.METRICS_PORT !== undefined) {
      // Loaded where it is asked for.
      const { serveServicesMetrics } = await import("./services-metrics.ts");
      metrics = await serveServicesMetrics({ port: settings.METRICS_PORT, services: pages });
    }
    nats = await startNats({
      settings,
      environment,
      stateDir,
      program: PROGRAM,
      log,
      onPid: (pid) => onPid("nats-server", pid),
      onStoreProblem(problem) {
        services?.tell(storeMessage(problem));
      },
    });
    const { url } = nats;
    running.update((file) => {
      file.natsUrl = url;
    });
    services = startServices({
      planned: plannedServices(workers),
      processes,
      environment,
      nats,
      onLine,
      onPid,
    });
    pages.push(...services.pages);
    const gatewayUrl = await services.ready;
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
