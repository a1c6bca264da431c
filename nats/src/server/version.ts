/** nats-server versions: what this machine's program says it is, and the oldest one that will do. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { NatsStartError } from "../start-error.ts";

const run = promisify(execFile);

/** 2.9 ignores `term`, consumer updates and `sync_interval` without a word. */
export const FLOOR = "2.10.0";
const VERSION_TIMEOUT_MS = 10_000;

export function compareVersions(left: string, right: string): number {
  const [a, b] = [parts(left), parts(right)];
  for (const [index, part] of a.entries()) {
    const difference = part - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function parts(version: string): number[] {
  return [0, 1, 2].map((index) => Number(/^\d+/.exec(version.split(".")[index] ?? "")?.[0] ?? 0));
}

export function requireFloor(version: string, what: string): void {
  if (compareVersions(version, FLOOR) >= 0) return;
  throw new NatsStartError(
    "server_too_old",
    `${what} is nats-server ${version}; Parlance needs ${FLOOR.replace(/\.0$/, "")} or newer.`,
  );
}

/** The version that `--version` prints. Throws when the program does not run here or is something else. */
export async function versionOf(binary: string): Promise<string> {
  const { stdout } = await run(binary, ["--version"], { timeout: VERSION_TIMEOUT_MS });
  const version = /v?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (!version) throw new Error(`${binary} --version does not print a version`);
  return version;
}
