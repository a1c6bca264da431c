/**
 * The pipeline as `npm start` runs it, on free ports and a state folder of its own, for the demo, the chaos suite and the
 * benchmarks. Stopping it waits for every process it had.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { credentialOf, readCredentials } from "@parlance/nats";

/** The first start of this process builds what is started; those after it start what was built. */
const stackMain = fileURLToPath(new URL("../../services/stack/start.mjs", import.meta.url));
const builtMain = fileURLToPath(new URL("../../services/stack/dist/run.js", import.meta.url));
let isBuilt = false;
export const repositoryRoot = fileURLToPath(new URL("../..", import.meta.url));

export interface RunningProcesses {
  pid: number;
  gatewayUrl?: string;
  natsUrl?: string;
  /** When METRICS_PORT is set. */
  metricsUrl?: string;
  pids: Record<string, number>;
}

export interface Pipeline {
  gatewayUrl: string;
  natsUrl: string;
  stateDir: string;
  /** What runs now: process ids change when something was killed. */
  processes(): RunningProcesses;
  /** User and password of a service or a publisher on the bus. */
  credentials(user: string): { user: string; password: string };
  stop(): Promise<void>;
}

export interface PipelineOptions {
  /** The Node program that runs it. Default: the one that runs this. */
  node?: string;
  /** Every line that it writes. */
  onLine?: (line: string) => void;
}

const runningFile = (stateDir: string) => join(stateDir, "running.json");

/** What runs from a state folder, or ran when it was killed. Throws when nothing ever did. */
export function runningProcesses(stateDir: string): RunningProcesses {
  return JSON.parse(readFileSync(runningFile(stateDir), "utf8")) as RunningProcesses;
}

/** On free ports; in `STATE_DIR` where the environment names one, so that a pipeline can be started where another was. */
export async function startPipeline(
  environment: Record<string, string> = {},
  { node = process.execPath, onLine = () => {} }: PipelineOptions = {},
): Promise<Pipeline> {
  const stateDir = environment.STATE_DIR ?? (await mkdtemp(join(tmpdir(), "parlance-")));
  const child = spawn(node, [isBuilt ? builtMain : stackMain], {
    env: { ...process.env, PORT: "0", NATS_PORT: "-1", LOG_LEVEL: "warn", STATE_DIR: stateDir, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Whatever ends this process ends the pipeline too.
  const endWithThis = () => child.kill("SIGTERM");
  process.once("exit", endWithThis);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  let output = "";
  const keep = (text: Buffer) => {
    output = (output + text.toString()).slice(-20_000);
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", keep);
    createInterface({ input: stream }).on("line", onLine);
  }
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));

  const file = runningFile(stateDir);
  const processes = () => runningProcesses(stateDir);
  const deadline = Date.now() + 120_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the pipeline did not start:\n${output}`);
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`the pipeline was not up within two minutes:\n${output}`);
    }
    // A pipeline that was killed leaves its file behind.
    if (existsSync(file) && processes().pid === child.pid && processes().gatewayUrl !== undefined) break;
    await pause(50);
  }
  const { gatewayUrl = "", natsUrl = "" } = processes();
  isBuilt = true;

  return {
    gatewayUrl,
    natsUrl,
    stateDir,
    processes,
    credentials(user) {
      return credentialOf(readCredentials(stateDir) ?? {}, user);
    },
    async stop() {
      child.kill("SIGTERM");
      const limit = setTimeout(() => child.kill("SIGKILL"), 30_000);
      await ended;
      clearTimeout(limit);
      process.off("exit", endWithThis);
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
