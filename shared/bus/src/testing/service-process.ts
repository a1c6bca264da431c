/** A service as the process and the NATS user that it is in earnest, for tests that read its log and kill it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { TestServer } from "@parlance/nats/testing";

export interface ServiceProcess {
  readonly child: ChildProcess;
  /** Line by line, of both outputs. */
  readonly log: readonly string[];
  /** With code and signal. */
  readonly exited: Promise<unknown[]>;
  /** Resolves once a line of the log holds the text. Rejects when it ends before. */
  says(text: string): Promise<void>;
  /** Resolves when it is gone. */
  kill(): Promise<void>;
}

export interface ServiceProcessOptions {
  server: TestServer;
  user: NonNullable<Parameters<TestServer["as"]>[0]>;
  /** Its program. */
  main: URL;
  settings?: Record<string, string>;
}

export function startServiceProcess({ server, user: name, main, settings }: ServiceProcessOptions): ServiceProcess {
  const { url, user = "", password = "" } = server.as(name);
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [fileURLToPath(main)], {
    env: { PATH, NODE_COMPILE_CACHE, NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => log.push(...text.trim().split("\n")));
  }
  const exited = once(child, "exit");
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    child,
    log,
    exited,
    async says(text) {
      while (!log.some((line) => line.includes(text))) {
        if (!isRunning()) throw new Error(`${name} ended:\n${log.join("\n")}`);
        await pause(20);
      }
    },
    async kill() {
      child.kill("SIGKILL");
      if (isRunning()) await exited;
    },
  };
}
