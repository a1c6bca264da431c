/**
 * A service as a child process that is started again when it dies.
 *
 * starting → running (it said that it is ready) → dead → starting again after a pause that doubles up to a limit and is
 * forgotten after a quiet while. A child that exits before it was ever ready has a start error that it has told in one
 * line: starting it again would repeat the line, so `ready` rejects with it instead.
 */
import { type ChildProcess, fork } from "node:child_process";
import { askMetrics } from "@parlance/telemetry";

export interface ChildServiceOptions {
  name: string;
  /** The module to run. */
  main: string;
  environment: NodeJS.ProcessEnv;
  nodeOptions: readonly string[];
  /** A line that the child wrote. */
  onLine: (service: string, line: string, stream: "out" | "err") => void;
  /** Called whenever the process id changes; undefined while there is none. */
  onPid: (service: string, pid: number | undefined) => void;
  /** What each process is told before anything else. */
  firstMessage?: () => object;
}

export interface ReadyMessage {
  kind: "ready";
  /** Where it can be reached, for a service that listens. */
  url?: string;
}

export interface ChildService {
  readonly name: string;
  /** Resolves when the child first says that it is ready. */
  ready: Promise<ReadyMessage>;
  /**
   * A Prometheus page; undefined while there is no process, or when it does not answer soon.
   * @param instance whose, where the process runs several services
   */
  metrics(instance: string): Promise<string | undefined>;
  /** Sends a message: to the running process once it is ready, and to each that takes its place until there is another message. */
  tell(message: object): void;
  stop(): Promise<void>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const QUIET_MS = 30_000;
const STOP_LIMIT_MS = 12_000;
const METRICS_LIMIT_MS = 2_000;

export function startChildService(options: ChildServiceOptions): ChildService {
  const { name, onLine, onPid } = options;
  const first = Promise.withResolvers<ReadyMessage>();
  let child: ChildProcess | undefined;
  let wasReady = false;
  let stopping = false;
  let pauseMs = FIRST_PAUSE_MS;
  let restart: NodeJS.Timeout | undefined;
  let lastError = "";
  let told: object | undefined;

  function start(): void {
    const startedAt = Date.now();
    const running = fork(options.main, {
      env: options.environment,
      execArgv: [...options.nodeOptions],
      // A group of its own: Ctrl-C reaches this process alone, which then stops the children in order.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    child = running;
    if (options.firstMessage !== undefined) running.send(options.firstMessage(), () => undefined);
    onPid(name, running.pid);
    eachLine(running.stdout, (line) => onLine(name, line, "out"));
    eachLine(running.stderr, (line) => {
      // Of a crash the line that names the error, not the version that Node prints below it.
      if (lastError === "" || !/^(\s|Node\.js v)/.test(line)) lastError = line;
      // What it says before it is ready is a start error, and told once, by whoever waits for it to be ready.
      if (wasReady) onLine(name, line, "err");
    });
    running.on("message", (message: ReadyMessage | { kind: "metrics" }) => {
      if (message.kind !== "ready") return;
      wasReady = true;
      if (told !== undefined) send(told);
      first.resolve(message);
    });
    running.on("error", (error) => first.reject(error));
    running.on("close", (code, signal) => {
      child = undefined;
      onPid(name, undefined);
      if (stopping) return;
      if (!wasReady) {
        first.reject(new Error(lastError || `${name} ended with ${signal ?? `exit code ${code}`} before it was ready`));
        return;
      }
      if (Date.now() - startedAt > QUIET_MS) pauseMs = FIRST_PAUSE_MS;
      onLine(name, `ended with ${signal ?? `exit code ${code}`}; starting it again`, "err");
      restart = setTimeout(start, pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    });
  }

  function send(message: object): void {
    // One that has just gone away is told when it is back.
    if (child?.connected) child.send(message, () => undefined);
  }

  async function stop(): Promise<void> {
    stopping = true;
    clearTimeout(restart);
    first.promise.catch(() => undefined);
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const closed = new Promise<void>((resolve) => running.once("close", () => resolve()));
    running.kill("SIGTERM");
    const limit = setTimeout(() => running.kill("SIGKILL"), STOP_LIMIT_MS);
    await closed;
    clearTimeout(limit);
  }

  start();
  return {
    name,
    ready: first.promise,
    metrics: async (instance) =>
      child === undefined || !wasReady ? undefined : await askMetrics(child, instance, METRICS_LIMIT_MS),
    tell(message) {
      told = message;
      if (wasReady) send(message);
    },
    stop,
  };
}

function eachLine(stream: NodeJS.ReadableStream | null, line: (text: string) => void): void {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const each of lines) if (each !== "") line(each);
  });
  stream?.on("end", () => {
    if (rest !== "") line(rest);
  });
}
