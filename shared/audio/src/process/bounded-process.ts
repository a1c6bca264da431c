/**
 * A child process in which foreign code meets foreign bytes: it sees no secret, may not write, connect or start anything, and is killed rather than
 * trusted. It reads frames from its standard input and writes frames on its standard output; when its input ends, it ends.
 */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import { lowerPriority, sessionsHavePriorities } from "./low-priority.ts";
import { type Frame, readFrames } from "./pipe-frames.ts";

export interface BoundedProcess {
  readonly pid: number | undefined;
  readonly alive: boolean;
  /** Writing to a process that has ended is noticed by reading from it. */
  readonly stdin: Writable;
  readonly frames: AsyncGenerator<Frame, void>;
  /** How it ended. */
  readonly ended: Promise<string>;
  /** Whether the process keeps this one from ending: it should while it works. */
  hold(busy: boolean): void;
  /** What it has to do is over. */
  stop(): void;
  /** Resolves when it is gone. */
  kill(): Promise<void>;
}

const HEAP_MIB = 256;
/** Read access is for its own code; writing, workers, addons and programs are denied by Node itself. */
const FLAGS = [
  `--max-old-space-size=${HEAP_MIB}`,
  "--disable-warning=ExperimentalWarning",
  "--permission",
  "--allow-fs-read=*",
];

export interface BoundedOptions {
  /** Flags of Node for what this one may do besides. */
  allow?: readonly string[];
  /** Of the program. */
  args?: readonly string[];
  /** Nobody waits for what it does: it leaves the processor to all others. Default: false. */
  background?: boolean;
  /** Told what could not be done and is done without. Default: nobody is. */
  log?: ((message: string, fields: Record<string, unknown>) => void) | undefined;
}

export function spawnBounded(program: string, options: BoundedOptions = {}): BoundedProcess {
  const { allow = [], args = [], background = false, log } = options;
  const child = spawn(process.execPath, [...FLAGS, ...allow, program, ...args], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: background && sessionsHavePriorities,
    // Nothing that it could tell, but where programs and, on a machine without a C++ library of its own, libraries lie.
    env: { PATH: process.env.PATH, LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH },
  });
  if (background && child.pid !== undefined) {
    lowerPriority(child.pid, (err) => log?.("a process of work that nobody waits for keeps its priority", { err }));
  }
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  let alive = true;
  void ended.then(() => {
    alive = false;
  });
  child.stdin.on("error", () => {});
  child.stdout.on("error", () => {});

  return {
    pid: child.pid,
    get alive() {
      return alive;
    },
    stdin: child.stdin,
    frames: readFrames(child.stdout),
    ended,
    hold(busy) {
      const sockets = [child.stdin as Socket, child.stdout as Socket];
      for (const held of [child, ...sockets]) busy ? held.ref() : held.unref();
    },
    stop() {
      child.kill("SIGKILL");
    },
    async kill() {
      child.ref();
      child.kill("SIGKILL");
      await ended;
    },
  };
}
