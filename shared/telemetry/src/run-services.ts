/**
 * The frame around the services of a process. A start error is told in one line, with the service's name, and exits 1.
 * SIGTERM and SIGINT close the services within a limit. An error that nobody caught is logged by the service whose it
 * is and exits 1: a service whose state is unknown is worse than one that is started again. Several share that fate:
 * half of them is never left.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { flushCompileCache } from "node:module";
import { readSettings, suspiciousNames, toSpeechError } from "@parlance/contracts";
import { keepHeapSmall } from "./idle-heap.ts";
import { createLog, type Log } from "./log.ts";
import { answerMetrics } from "./metrics-over-ipc.ts";
import { type MetricsServer, serveMetrics } from "./metrics-server.ts";
import type { RunningService, ServiceInstance } from "./service.ts";

export interface RunServicesOptions {
  /** Milliseconds that closing may take before the process exits 1 without it. Default 10 000. */
  closeTimeoutMs?: number;
}

interface Started {
  instance: ServiceInstance;
  log: Log;
  running: RunningService;
  metrics: MetricsServer | undefined;
}

/** Whose the code is that runs now, through timers, sockets and promises. */
const current = new AsyncLocalStorage<Log>();

/** Starts all at once, and stays until the process ends. */
export async function runServices(
  instances: readonly ServiceInstance[],
  { closeTimeoutMs = 10_000 }: RunServicesOptions = {},
): Promise<void> {
  const stopping = new AbortController();
  let stopRequested: (signal: NodeJS.Signals) => void = () => undefined;
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    stopRequested = resolve;
  });
  const onSignal = (signal: NodeJS.Signals) => {
    // A second signal means that the closing itself hangs.
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
    stopRequested(signal);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // Started by another process over IPC: that one's death, however sudden, ends this one too.
  process.once("disconnect", () => onSignal("SIGTERM"));
  dieOfUncaught();

  const services = await Promise.all(
    instances.map((instance) =>
      startOne(instance, stopping.signal).catch((error: unknown) => {
        if (stopping.signal.aborted) process.exit(0);
        process.stderr.write(`${instance.name}: ${startErrorLine(error)}\n`);
        process.exit(1);
      }),
    ),
  );
  if (process.connected) {
    const [only, second] = services;
    const named = (name: string) => services.find(({ instance }) => instance.name === name);
    answerMetrics((name) => (second === undefined ? only : named(name))?.running.registry);
  }
  keepHeapSmall();
  process.send?.({ kind: "ready", url: services.find(({ running }) => running.url !== undefined)?.running.url });
  // Node writes it down when a process exits, and who is killed leaves nothing.
  flushCompileCache();

  const signal = await stopped;
  const limit = setTimeout(() => {
    for (const { log } of services) log.error({ closeTimeoutMs }, "closing took too long");
    process.exit(1);
  }, closeTimeoutMs);
  const closed = await Promise.all(services.map((service) => closeOne(service, signal)));
  clearTimeout(limit);
  process.exit(closed.every(Boolean) ? 0 : 1);
}

async function startOne(instance: ServiceInstance, signal: AbortSignal): Promise<Started> {
  const { name, service, environment } = instance;
  const settings = readSettings(["LOG_LEVEL", "METRICS_PORT"], environment);
  const log = createLog(service.name, settings.LOG_LEVEL, { instance: name });
  return await current.run(log, async () => {
    // A parent process has the same environment, and has told it once for all of its children.
    if (process.send === undefined) {
      for (const { name, meant } of suspiciousNames(environment)) {
        log.warn({ name }, `${name} is not a setting of Parlance: if it is meant for one, it is ${meant}`);
      }
    }
    const running = await service.start({ environment, log, signal });
    const { registry: source } = running;
    const { METRICS_PORT: port } = settings;
    const served = source !== undefined && port !== undefined;
    return { instance, log, running, metrics: served ? await serveMetrics({ source, port }) : undefined };
  });
}

/** Whether everything was given back. */
async function closeOne({ log, running, metrics }: Started, signal: NodeJS.Signals): Promise<boolean> {
  log.info({ signal }, "closing");
  try {
    await metrics?.close();
    await running.close();
    log.info("closed");
    return true;
  } catch (error) {
    log.error({ err: error }, "closing failed");
    return false;
  }
}

/** What a person who starts the service needs to read: the cause, without a stack, on one line. */
function startErrorLine(error: unknown): string {
  const known = toSpeechError(error);
  const plain = known.code === "internal" && error instanceof Error ? error.message || error.name : known.message;
  return plain.replaceAll(/\s*\n\s*/g, " ");
}

function dieOfUncaught(): void {
  const die = (error: unknown, what: string) => {
    const log = current.getStore() ?? createLog("process", "fatal");
    log.fatal({ err: error }, what);
    process.exit(1);
  };
  process.on("unhandledRejection", (reason) => die(reason, "unhandled rejection"));
  process.on("uncaughtException", (error) => die(error, "uncaught exception"));
}
