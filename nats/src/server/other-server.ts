/**
 * The nats-server that runs on a folder of JetStream's although nobody holds its lock: that of a launcher which was
 * killed a moment ago, or one that somebody started by hand. The server itself locks nothing: two on one folder destroy
 * its files.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { NatsStartError } from "../start-error.ts";

export interface OtherServerOptions {
  storeDir: string;
  /** As the launcher passes it: whoever has it among its arguments was started by a launcher. */
  configFile: string;
  /** Milliseconds for which the server of a launcher that was killed may take to end. Default 15 000: its watchdog kills it after 10 s. */
  timeoutMs?: number | undefined;
  log?: { info(fields: object, message: string): void } | undefined;
}

const TIMEOUT_MS = 15_000;
const POLL_MS = 100;

/** Waits for a server that is about to end, and throws a NatsStartError that names one that is not. */
export async function waitForOtherServer(options: OtherServerOptions): Promise<void> {
  const { storeDir, configFile, timeoutMs = TIMEOUT_MS, log } = options;
  const deadline = performance.now() + timeoutMs;
  for (let told = false; ; told = true) {
    const other = findOtherServer(storeDir, configFile);
    if (other === undefined) return;
    if (!other.launched || performance.now() > deadline) {
      throw new NatsStartError(
        "folder_in_use",
        `JetStream's folder ${storeDir} is in use by nats-server (pid ${other.pid}): stop it, or set NATS_STORE_DIR to another folder.`,
      );
    }
    if (!told) log?.info({ pid: other.pid, storeDir }, "waiting for the nats-server of a start that was killed");
    await pause(POLL_MS);
  }
}

const pidFile = (storeDir: string) => join(storeDir, "nats-server.pid");

/** For systems that do not show what files a process has open. */
export function notePid(storeDir: string, pid: number): void {
  writeFileSync(pidFile(storeDir), `${pid}\n`);
}

export function forgetPid(storeDir: string): void {
  rmSync(pidFile(storeDir), { force: true });
}

interface OtherServer {
  pid: number;
  launched: boolean;
}

function findOtherServer(storeDir: string, configFile: string): OtherServer | undefined {
  for (const pid of candidates(storeDir)) {
    const command = commandOf(pid);
    const words = command.split(/[\0 ]/);
    if (command.includes(configFile) || words.some((word) => isSamePlace(word, configFile)))
      return { pid, launched: true };
    const named = words.some((word) => isSamePlace(word, storeDir) || isConfigFor(word, storeDir));
    if (named || hasFilesUnder(pid, storeDir)) {
      return { pid, launched: false };
    }
  }
  return undefined;
}

function candidates(storeDir: string): Set<number> {
  const pids = new Set<number>();
  try {
    const pid = Number(readFileSync(pidFile(storeDir), "utf8"));
    if (pid > 0) pids.add(pid);
  } catch {
    // None was noted.
  }
  for (const name of process.platform === "linux" ? readdirSync("/proc") : []) {
    if (/^\d+$/.test(name) && read(`/proc/${name}/comm`).startsWith("nats-server")) pids.add(Number(name));
  }
  return pids;
}

/** The program and its arguments; empty for a process that is gone, or is about to be. */
function commandOf(pid: number): string {
  if (process.platform === "linux") return read(`/proc/${pid}/cmdline`);
  try {
    return execFileSync("ps", ["-ww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}

function isConfigFor(word: string, storeDir: string): boolean {
  return word.includes(".conf") && read(word).includes(storeDir);
}

/** An idle server closes its files after a while: what it was started with tells more. */
function hasFilesUnder(pid: number, folder: string): boolean {
  const files = `/proc/${pid}/fd`;
  try {
    const inside = `${realpathSync(folder)}${sep}`;
    return readdirSync(files).some((name) => linkOf(join(files, name)).startsWith(inside));
  } catch {
    // Another user's process, or no Linux.
    return false;
  }
}

function isSamePlace(path: string, other: string): boolean {
  try {
    return path !== "" && realpathSync(path) === realpathSync(other);
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
