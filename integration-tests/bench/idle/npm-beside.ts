/** What npm itself has while `npm start` runs: it waits for its script, on the Node that it was started with. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type RunningProcesses, repositoryRoot, runningProcesses } from "../../src/pipeline.ts";
import { type Reading, readingOf } from "./idle-memory.ts";

const START_LIMIT_MS = 120_000;

export async function npmBeside(): Promise<Reading> {
  const stateDir = mkdtempSync(join(tmpdir(), "parlance-npm-"));
  // The npm that runs this, on its own Node and not on the one that stands first on its scripts' path.
  const { npm_node_execpath: node, npm_execpath: cli } = process.env;
  const [program, ...before] = node === undefined || cli === undefined ? ["npm"] : [node, cli];
  const npm = spawn(program, [...before, "start"], {
    cwd: repositoryRoot,
    env: { ...process.env, PORT: "0", NATS_PORT: "-1", STATE_DIR: stateDir, PROCESSES: "one" },
    stdio: "ignore",
  });
  const ended = once(npm, "close");
  try {
    const deadline = Date.now() + START_LIMIT_MS;
    while (running(stateDir)?.gatewayUrl === undefined) {
      if (npm.exitCode !== null || Date.now() > deadline) throw new Error("npm start did not start");
      await pause(100);
    }
    const reading = readingOf(npm.pid ?? 0);
    if (reading === undefined) throw new Error("npm has gone");
    return reading;
  } finally {
    const pid = running(stateDir)?.pid;
    if (pid === undefined) npm.kill("SIGKILL");
    else process.kill(pid, "SIGTERM");
    await ended;
    rmSync(stateDir, { recursive: true, force: true });
  }
}

function running(stateDir: string): RunningProcesses | undefined {
  try {
    return runningProcesses(stateDir);
  } catch {
    return undefined;
  }
}
