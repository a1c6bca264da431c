/**
 * Runs nats-server with JetStream for as long as this process lives.
 *
 * It promises one clear sentence when the server does not start, a server that flushes to disk before it acknowledges, that no
 * two servers ever share a folder, and that the server never outlives its launcher. Its only state is the child process; the
 * configuration lies in the store folder, readable by its owner alone, though it holds no password that could be used.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createUser } from "@nats-io/nkeys";
import { renderConfig, type ServerConfig } from "../config/config.ts";
import { accountsWith, type Credentials } from "../config/credentials.ts";
import { NatsStartError } from "../start-error.ts";
import { adoptStreams } from "./adopt-streams.ts";
import { claimStore, type StoreClaim } from "./store-claim.ts";
import { prepareStoreDir } from "./store-dir.ts";
import { watchStore } from "./store-watch.ts";
import { requireFloor, versionOf } from "./version.ts";
import { endWithThisProcess } from "./watchdog.ts";

export interface ServerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface RunServerOptions {
  /** The nats-server program; see `findServer`. */
  binary: string;
  storeDir: string;
  /** -1: a free one. */
  port: number;
  host?: string | undefined;
  /** With credentials every service has a user of its own, and every publisher an account; without them everybody may do everything. */
  credentials?: Credentials | undefined;
  /** HTTP monitoring on loopback. */
  monitorPort?: number | undefined;
  maxPayload?: number | undefined;
  tls?: ServerConfig["tls"];
  /** Bytes of memory that the server's collector keeps to as long as it can; it never refuses anything for it. Default: no such bound. */
  memoryBytes?: number | undefined;
  /** Default true. */
  jetstream?: boolean | undefined;
  /** What to stop where another start finds the folder in use. Default: this process's title. */
  program?: string | undefined;
  log?: ServerLog | undefined;
  /** Called with a sentence when the server can store nothing more (its disk is full), and with undefined when it can again. */
  onStoreProblem?: ((sentence: string | undefined) => void) | undefined;
}

export interface RunningServer {
  url: string;
  port: number;
  pid: number;
  version: string;
  /** What the disk can hold: pass it to `ensureTopology`. */
  storeBytes: number;
  /** Resolves when the process has ended, with a sentence that says how. */
  exited: Promise<string>;
  /** SIGTERM, and SIGKILL after `graceMs` (default 10 000). */
  stop(graceMs?: number): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 10_000;
/** No limits of its own: each stream has one, the topology fits them to the disk, and a limit that shrank would refuse to restore them. */
const MAX_FILE_STORE = 2 ** 50;
const MAX_MEMORY_STORE = 2 ** 50;
const LAST_LINES = 20;

const loopback = /^(127\.|localhost$|::1$)/;

/** Throws a NatsStartError whose message is one sentence. */
export async function runServer(options: RunServerOptions): Promise<RunningServer> {
  const { binary, storeDir, port, host = "127.0.0.1", credentials, log } = options;
  const version = await versionOf(binary).catch((error: unknown) => {
    throw new NatsStartError("server_failed", `${binary} cannot be run: ${firstLine(error)}.`, { cause: error });
  });
  requireFloor(version, binary);
  // Without a password only on this machine: there any program may drop audio.
  const openKey = credentials && loopback.test(host) ? createUser().getPublicKey() : undefined;
  const accounts = credentials && accountsWith(credentials, openKey);
  const { storeBytes } = prepareStoreDir(storeDir);
  const configFile = join(storeDir, "nats-server.conf");
  const claim = await claimStore({ storeDir, configFile, program: options.program ?? process.title, log });
  const config: ServerConfig = {
    serverName: "parlance",
    host,
    port,
    storeDir: options.jetstream === false ? undefined : storeDir,
    maxPayload: options.maxPayload,
    maxFileStore: MAX_FILE_STORE,
    maxMemoryStore: MAX_MEMORY_STORE,
    syncAlways: true,
    monitorPort: options.monitorPort,
    tls: options.tls,
    accounts,
    noAuthUser: openKey,
  };
  if (credentials && adoptStreams(storeDir)) log?.info({ storeDir }, "streams of an older version are taken over");
  const child = start({ binary, configFile, config, claim, memoryBytes: options.memoryBytes });
  const lines: LogLine[] = [];
  let listening: number | undefined;
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<string>();

  const end = (how: string) => {
    claim.release();
    ended.resolve(how);
  };
  claim.lost.addEventListener("abort", () => child.kill("SIGKILL"));
  child.once("error", (error) => end(error.message));
  child.once("close", (code, signal) => {
    callOff();
    store.stop();
    end(signal ? `ended by ${signal}` : `ended with status ${code}`);
  });
  const store = watchStore({
    storeDir,
    log,
    onProblem: options.onStoreProblem,
    endServer: () => child.kill("SIGTERM"),
  });
  const callOff = child.pid === undefined ? () => {} : endWithThisProcess(child.pid);
  createInterface({ input: child.stderr }).on("line", (text) => {
    const line = parseLogLine(text);
    if (!line) return;
    lines.push(line);
    if (lines.length > LAST_LINES) lines.shift();
    listening ??= Number(/Listening for client connections on .*:(\d+)$/.exec(line.message)?.[1] ?? 0) || undefined;
    if (line.message === "Server is ready") ready.resolve();
    if (line.level === "WRN" || line.level === "ERR" || line.level === "FTL") {
      log?.warn({ line: line.message }, "nats-server says");
      store.hear(line.message);
    }
  });

  const timer = setTimeout(() => ready.reject(new Error("it was not ready within a minute")), READY_TIMEOUT_MS);
  try {
    await Promise.race([
      ready.promise,
      ended.promise.then((how) => {
        throw new Error(how);
      }),
    ]);
  } catch (error) {
    child.kill("SIGKILL");
    await ended.promise;
    throw explain(lines, { host, port, storeDir, how: firstLine(error) });
  } finally {
    clearTimeout(timer);
  }

  const actualPort = listening ?? port;
  const url = `nats://${host.includes(":") ? `[${host}]` : host}:${actualPort}`;
  log?.info({ url, version, pid: child.pid }, "nats-server is ready");
  return {
    url,
    port: actualPort,
    pid: child.pid ?? 0,
    version,
    storeBytes,
    exited: ended.promise,
    async stop(graceMs = STOP_GRACE_MS) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      const limit = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await ended.promise;
      clearTimeout(limit);
    },
  };
}

interface Start {
  binary: string;
  configFile: string;
  config: ServerConfig;
  claim: StoreClaim;
  memoryBytes: number | undefined;
}

/** The pages of the program, which its collector does not count, and what is collected a moment late. */
const UNCOUNTED_BYTES = 24 * 2 ** 20;

/** Of a server that is to have so many bytes in memory. */
function collectorLimit(memoryBytes: number): number {
  return Math.max(memoryBytes - UNCOUNTED_BYTES, Math.ceil(memoryBytes / 2));
}

function start({ binary, configFile, config, claim, memoryBytes }: Start) {
  try {
    writeFileSync(configFile, renderConfig(config), { mode: 0o600 });
    const child = spawn(binary, ["--config", configFile], {
      stdio: ["ignore", "ignore", "pipe"],
      // The collector of Go reads it; without one it lets the heap grow to twice of what is in use.
      env: memoryBytes ? { ...process.env, GOMEMLIMIT: `${collectorLimit(memoryBytes)}` } : process.env,
      // In a group of its own: a Ctrl-C must reach the services first, and the server last.
      detached: process.platform !== "win32",
    });
    if (child.pid !== undefined) claim.servedBy(child.pid);
    return child;
  } catch (error) {
    claim.release();
    throw error;
  }
}

interface LogLine {
  level: string;
  message: string;
}

/** `[123] 2026/01/31 12:00:00.000000 [INF] Server is ready`; configuration errors come without that head. */
function parseLogLine(text: string): LogLine | undefined {
  const found = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] (.*)$/.exec(text);
  if (found) return { level: found[1] ?? "", message: (found[2] ?? "").trim() };
  return text.trim() === "" ? undefined : { level: "FTL", message: text.trim() };
}

function explain(
  lines: readonly LogLine[],
  { host, port, storeDir, how }: { host: string; port: number; storeDir: string; how: string },
): NatsStartError {
  const bad = lines.filter(({ level }) => level === "FTL" || level === "ERR").map(({ message }) => message);
  const reason = bad.at(-1) ?? how;
  const all = bad.join(" ");
  if (/address already in use|Only one usage of each socket address/i.test(all)) {
    return new NatsStartError(
      "port_taken",
      `Port ${port} on ${host} is taken: set NATS_PORT to another one, or to -1 for a free one.`,
    );
  }
  if (/no space left|insufficient (storage|resources)/i.test(all)) {
    return new NatsStartError("store_full", `The disk of JetStream's folder ${storeDir} is full.`);
  }
  if (/permission denied|read-only file system/i.test(all)) {
    return new NatsStartError("store_unwritable", `JetStream's folder ${storeDir} cannot be written: ${reason}.`);
  }
  return new NatsStartError("server_failed", `nats-server did not start: ${reason}.`);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
