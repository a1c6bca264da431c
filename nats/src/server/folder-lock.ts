/**
 * One owner for a folder, among all processes and machines that see it.
 *
 * The lock is the kernel's, on an empty file: SQLite, which Node brings along, takes it alike on every system. It ends with its
 * owner, however that ended, so nothing that was left behind and no process id that was given anew keeps a folder locked. Who
 * the owner is stands beside it, for people. Machines that share a folder over a network need not share its locks, so the owner
 * touches that file, and a folder that another machine left without a word is watched for a while first.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { NatsStartError } from "../start-error.ts";

export interface FolderLockOptions {
  /** What a person calls the folder: "STATE_DIR". */
  name: string;
  /** The setting that names another folder. */
  setting: string;
  /** What a person would stop: "npm start". */
  program: string;
  /** How often the owner touches its file, in milliseconds; another machine is believed gone after three times that. Default 5 000. */
  touchMs?: number | undefined;
  log?: { info(fields: object, message: string): void } | undefined;
}

export interface FolderLock {
  /** Aborts when another machine took the folder because this one was asleep: whatever uses it must end. */
  readonly lost: AbortSignal;
  release(): void;
}

interface Owner {
  id: string;
  program: string;
  pid: number;
  host: string;
  /** Of the kernel, which containers of one machine share and their host names are not. */
  boot: string;
  since: string;
}

const TOUCH_MS = 5_000;
const TOUCHES_MISSED = 3;

/** Makes the folder. Throws a NatsStartError that names the owner when there is one, or says that the folder cannot be written. */
export async function lockFolder(folder: string, options: FolderLockOptions): Promise<FolderLock> {
  const { name, setting, program, touchMs = TOUCH_MS, log } = options;
  const file = join(folder, "owner.json");
  const inUse = (owner: Owner | undefined) =>
    new NatsStartError(
      "folder_in_use",
      `${name} ${folder} is in use${owner === undefined ? "" : ` by ${described(owner)}`}: stop it, or set ${setting} to another folder.`,
    );

  const unlock = takeKernelLock(folder, name);
  if (unlock === undefined) throw inUse(await readOwner(file));
  const before = parseOwner(file);
  if (before !== undefined && isElsewhere(before)) {
    log?.info(
      { folder, owner: described(before) },
      "waiting to see whether the folder's owner on another machine lives",
    );
    if (await isTouched(file, touchMs)) {
      unlock();
      throw inUse(before);
    }
  }

  const owner: Owner = { id: randomUUID(), program, pid: process.pid, ...machine(), since: new Date().toISOString() };
  writeFileSync(`${file}.new`, `${JSON.stringify(owner, null, 2)}\n`);
  renameSync(`${file}.new`, file);
  const lost = new AbortController();
  const timer = setInterval(() => {
    const seen = parseOwner(file);
    if (seen !== undefined && seen.id !== owner.id) lost.abort(inUse(seen));
    else utimesIfThere(file);
  }, touchMs);
  timer.unref();

  return {
    lost: lost.signal,
    release() {
      clearInterval(timer);
      if (parseOwner(file)?.id === owner.id) rmSync(file, { force: true });
      unlock();
    },
  };
}

/** Connections hold their locks until they are closed: what nobody refers to would be closed as garbage. */
const connections = new Set<object>();

/** Undefined when another process, or another part of this one, has it. */
function takeKernelLock(folder: string, name: string): (() => void) | undefined {
  const { DatabaseSync } = loadSqlite();
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const connection = new DatabaseSync(join(folder, "owner.lock"), { timeout: 0 });
    try {
      // Nothing is ever written: in memory, its journal leaves no second file.
      connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      connection.close();
      if (sqliteCode(error) === SQLITE_BUSY) return undefined;
      throw error;
    }
    connections.add(connection);
    return () => {
      if (connections.delete(connection)) connection.close();
    };
  } catch (error) {
    const reason =
      error instanceof Error ? ("code" in error && !sqliteCode(error) ? String(error.code) : error.message) : "";
    throw new NatsStartError("store_unwritable", `${name} ${folder} cannot be written (${reason}).`, { cause: error });
  }
}

const SQLITE_BUSY = 5;

/** The number of SQLite's own error, without the finer distinctions in its upper bits. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

/** Node says of SQLite that it is experimental, to everybody who starts a program that loads it. */
function loadSqlite() {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

function machine(): Pick<Owner, "host" | "boot"> {
  let boot = "";
  try {
    boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Only Linux tells it.
  }
  return { host: hostname(), boot };
}

/** Neither this kernel, whose lock would tell, nor this host before it was started anew. */
function isElsewhere(owner: Owner): boolean {
  const here = machine();
  return owner.host !== here.host && (owner.boot !== here.boot || here.boot === "");
}

async function isTouched(file: string, touchMs: number): Promise<boolean> {
  const touched = () => statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  const first = touched();
  const deadline = performance.now() + TOUCHES_MISSED * touchMs;
  while (performance.now() < deadline) {
    await pause(touchMs / 10);
    const now = touched();
    // Gone: its owner ended in order.
    if (now === undefined) return false;
    if (now !== first) return true;
  }
  return false;
}

/** An owner writes its name a moment after it has the lock. */
async function readOwner(file: string): Promise<Owner | undefined> {
  for (let tries = 0; tries < 10; tries += 1) {
    const owner = parseOwner(file);
    if (owner !== undefined) return owner;
    await pause(50);
  }
  return undefined;
}

function parseOwner(file: string): Owner | undefined {
  try {
    const read: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof read !== "object" || read === null) return undefined;
    const { id, program, pid, host, boot, since }: Partial<Record<keyof Owner, unknown>> = read;
    return {
      id: `${id}`,
      program: `${program}`,
      pid: Number(pid),
      host: `${host}`,
      boot: `${boot}`,
      since: `${since}`,
    };
  } catch {
    return undefined;
  }
}

function described({ program, pid, host, since }: Owner): string {
  return `${program} (pid ${pid}${host === hostname() ? "" : ` on ${host}`}) since ${since.slice(0, 19).replace("T", " ")} UTC`;
}

function utimesIfThere(file: string): void {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // The folder was removed: there is nothing left to guard.
  }
}
