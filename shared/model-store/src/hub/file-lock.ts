/**
 * One at a time across processes: a lock file that its owner touches as long as it lives.
 *
 * An owner that is gone (its process is dead, or it has not touched the file for a while, which is all that another
 * machine on the same disk can see) loses the lock to the next one. Two who find it stale at once: the file is renamed
 * away, and who renamed another one than it had judged puts it back. What is guarded bears a rare second owner too:
 * bytes are written at their own place, and checked at the end.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";

export interface FileLock {
  /** Aborts when the lock was lost to somebody who thought its owner dead. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface FileLockOptions {
  path: string;
  signal: AbortSignal;
  /** Once, when somebody else has it. */
  onWaiting(owner: { pid: number; host: string }): void;
  /** How often the owner touches it; four times that without a touch and it is stale. Default 5 000. */
  touchMs?: number;
  pollMs?: number;
}

const ownerSchema = z.object({ id: z.string(), pid: z.number(), host: z.string() });
type Owner = z.infer<typeof ownerSchema>;

export async function takeFileLock(options: FileLockOptions): Promise<FileLock> {
  const { path, signal, onWaiting, touchMs = 5_000, pollMs = 300 } = options;
  const owner: Owner = { id: randomUUID(), pid: process.pid, host: hostname() };
  await mkdir(dirname(path), { recursive: true });
  let told = false;
  while (!(await create(path, owner))) {
    signal.throwIfAborted();
    const seen = await look(path);
    if (seen !== undefined && isStale(seen, touchMs)) await clear(path, seen.text);
    else {
      if (!told && seen?.owner !== undefined) onWaiting(seen.owner);
      told ||= seen?.owner !== undefined;
      await pause(pollMs, undefined, { signal }).catch(() => {});
    }
  }
  const lost = new AbortController();
  const timer = setInterval(async () => {
    const seen = await look(path).catch(() => undefined);
    if (seen?.owner?.id === owner.id) await utimes(path, new Date(), new Date()).catch(() => {});
    else lost.abort(new Error("another process took the download over"));
  }, touchMs);
  timer.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      if ((await look(path))?.owner?.id === owner.id) await rm(path, { force: true });
    },
  };
}

async function create(path: string, owner: Owner): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(JSON.stringify(owner));
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

interface Seen {
  text: string;
  owner: Owner | undefined;
  touchedAt: number;
}

async function look(path: string): Promise<Seen | undefined> {
  try {
    const [text, { mtimeMs }] = [await readFile(path, "utf8"), await stat(path)];
    return { text, owner: ownerSchema.safeParse(parse(text)).data, touchedAt: mtimeMs };
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isStale({ owner, touchedAt }: Seen, touchMs: number): boolean {
  if (Date.now() - touchedAt > 4 * touchMs) return true;
  return owner?.host === hostname() && !isAlive(owner.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function clear(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, "utf8").catch(() => text)) === text) await rm(aside, { force: true });
  else await rename(aside, path);
}
