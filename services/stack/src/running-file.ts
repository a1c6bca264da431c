/** `running.json` in the state folder: what `npm start` has running now, for tools, tests and a second start to read. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Running {
  pid: number;
  gatewayUrl?: string;
  natsUrl?: string;
  /** The metrics of all services, when METRICS_PORT is set. */
  metricsUrl?: string;
  /** Process ids by service name; `nats-server` is one of them. */
  pids: Record<string, number>;
}

export interface RunningFile {
  update(change: (running: Running) => void): void;
  remove(): void;
}

const fileName = "running.json";

export function createRunningFile(stateDir: string): RunningFile {
  const path = join(stateDir, fileName);
  const running: Running = { pid: process.pid, pids: {} };
  mkdirSync(stateDir, { recursive: true });
  return {
    update(change) {
      change(running);
      // Renamed into place, so that a reader never sees half a file.
      writeFileSync(`${path}.new`, JSON.stringify(running, null, 2));
      renameSync(`${path}.new`, path);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

/** Undefined when nothing runs from this state folder. */
export function readRunning(stateDir: string): Running | undefined {
  try {
    const running = JSON.parse(readFileSync(join(stateDir, fileName), "utf8")) as Running;
    process.kill(running.pid, 0);
    return running;
  } catch {
    return undefined;
  }
}
