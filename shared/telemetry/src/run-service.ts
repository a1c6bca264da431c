/**
 * The frame around a service's process. A start error is told in one line and exits 1; SIGTERM and SIGINT close the
 * service within a limit; an error that nobody caught is logged and exits 1, because a service whose state is unknown is
 * worse than one that is started again.
 */
import { readSettings, suspiciousNames, toSpeechError } from "@parlance/contracts";
import { createLog, type Log } from "./log.ts";
import type { Registry } from "./metrics.ts";
import { answerMetrics } from "./metrics-over-ipc.ts";
import { serveMetrics } from "./metrics-server.ts";

export interface ServiceContext {
  log: Log;
  /** Aborts when the process is asked to stop: what waits during the start (for NATS, for a lock) ends with it. */
  signal: AbortSignal;
}

export interface RunningService {
  /** Ends what was started and resolves when everything that was taken is given back. */
  close(): Promise<void>;
  /** Served on METRICS_PORT, when that is set, and told to a parent process that asks. */
  registry?: Registry;
  /** Where the service can be reached, when it listens: told to a parent process that waits for it. */
  url?: string;
}

export interface RunServiceOptions {
  /** Milliseconds that `close` may take before the process exits 1 without it. Default 10 000. */
  closeTimeoutMs?: number;
}

/**
 * Runs `start` as the process's one service and stays until it ends. Read the settings inside of `start`:
 *
 * ```ts
 * await runService("results", async ({ log, signal }) => {
 *   const settings = readSettings(resultsSettings, process.env);
 *   const bus = await connectBus(…);
 *   return createResults({ bus, settings, log });
 * });
 * ```
 */
export async function runService(
  name: string,
  start: (context: ServiceContext) => Promise<RunningService>,
  options: RunServiceOptions = {},
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

  let log: Log;
  let service: RunningService;
  let metrics: { close(): Promise<void> } | undefined;
  try {
    const settings = readSettings(["LOG_LEVEL", "METRICS_PORT"], process.env);
    log = createLog(name, settings.LOG_LEVEL);
    dieOfUncaught(log);
    // A parent process has the same environment, and has told it once for all of its children.
    if (process.send === undefined) {
      for (const { name, meant } of suspiciousNames(process.env)) {
        log.warn({ name }, `${name} is not a setting of Parlance: if it is meant for one, it is ${meant}`);
      }
    }
    service = await start({ log, signal: stopping.signal });
    if (service.registry !== undefined) {
      if (process.connected) answerMetrics(service.registry);
      if (settings.METRICS_PORT !== undefined) {
        metrics = await serveMetrics({ source: service.registry, port: settings.METRICS_PORT });
      }
    }
  } catch (error) {
    if (stopping.signal.aborted) process.exit(0);
    process.stderr.write(`${name}: ${startErrorLine(error)}\n`);
    process.exit(1);
  }

  process.send?.({ kind: "ready", url: service.url });
  const signal = await stopped;
  log.info({ signal }, "closing");
  const limit = setTimeout(() => {
    log.error({ closeTimeoutMs: options.closeTimeoutMs ?? 10_000 }, "closing took too long");
    process.exit(1);
  }, options.closeTimeoutMs ?? 10_000);
  try {
    await metrics?.close();
    await service.close();
  } catch (error) {
    log.error({ err: error }, "closing failed");
    process.exit(1);
  }
  clearTimeout(limit);
  log.info("closed");
  process.exit(0);
}

/** What a person who starts the service needs to read: the cause, without a stack, on one line. */
function startErrorLine(error: unknown): string {
  const known = toSpeechError(error);
  const plain = known.code === "internal" && error instanceof Error ? error.message || error.name : known.message;
  return plain.replaceAll(/\s*\n\s*/g, " ");
}

function dieOfUncaught(log: Log): void {
  process.on("unhandledRejection", (reason) => {
    log.fatal({ err: reason }, "unhandled rejection");
    process.exit(1);
  });
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "uncaught exception");
    process.exit(1);
  });
}
