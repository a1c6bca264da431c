/**
 * A program in a process group of its own, with a time limit: when it is over, nothing of it is left. Every line of JSON that it writes is
 * told at once and kept, so what it found before it failed, aborted or ran out of time is not lost.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { type Failure, failureOf } from "./failure.ts";

export type Fields = Record<string, unknown>;

export interface ChildOptions {
  command: readonly string[];
  environment?: NodeJS.ProcessEnv;
  limitMs: number;
  /** Each object among its lines; the last of a name counts. */
  onFields?: (fields: Fields) => void;
  /** The most of its log that is kept, from its end. */
  logBytes?: number;
}

export interface ChildResult {
  ok: boolean;
  seconds: number;
  fields: Fields;
  failure?: Failure;
  /** The end of what it wrote beside JSON, on both of its outputs. */
  log: string;
}

const LOG_BYTES = 65_536;
/** What a group gets to end by itself. */
const GRACE_MS = 3_000;
const groups = new Set<number>();

export async function runChild(options: ChildOptions): Promise<ChildResult> {
  const { command, environment = process.env, limitMs, onFields = () => {}, logBytes = LOG_BYTES } = options;
  const began = performance.now();
  const [program = "", ...rest] = command;
  const child = spawn(program, rest, { env: environment, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const group = child.pid ?? 0;
  groups.add(group);
  const fields: Fields = {};
  let log = "";
  const keep = (text: string) => {
    log = (log + text).slice(-logBytes);
  };
  let over = false;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = objectOf(line);
    if (said === undefined) return keep(`${line}\n`);
    Object.assign(fields, said);
    onFields(said);
  });
  child.stderr.setEncoding("utf8").on("data", keep);
  const limit = setTimeout(() => {
    over = true;
    void endGroup(group);
  }, limitMs);
  const how = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code === 0 ? undefined : (signal ?? `code ${code}`)));
  });
  clearTimeout(limit);
  // What it left behind: engines of a pipeline whose main was killed.
  signalGroup(group, "SIGKILL");
  groups.delete(group);
  const seconds = Math.round(performance.now() - began) / 1_000;
  if (!over && how === undefined) return { ok: true, seconds, fields, log };
  const failure = failureOf(log, how ?? "code 0");
  if (over) failure.error = `not done after ${Math.round(limitMs / 1_000)} s`;
  return { ok: false, seconds, fields, failure, log };
}

/** Everything that still runs: when this program is told to end. */
export async function endChildren(): Promise<void> {
  await Promise.all([...groups].map(endGroup));
}

/** A pipeline stops its services, which are in groups of their own. */
async function endGroup(group: number): Promise<void> {
  const deadline = performance.now() + GRACE_MS;
  signalGroup(group, "SIGTERM");
  while (signalGroup(group, 0) && performance.now() < deadline) await pause(50);
  signalGroup(group, "SIGKILL");
}

/** False when nobody of it is there any more. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return group > 0 && process.kill(-group, signal);
  } catch {
    return false;
  }
}

function objectOf(line: string): Fields | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
