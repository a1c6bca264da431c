/**
 * One file of a hub into one file on disk: resumed where it broke off, and in its place only when its bytes are right.
 *
 * It is written as `<target>.part`; what the server calls these bytes (its ETag) is kept beside it, so that a part is only
 * continued with more of the same. A connection that drops or stalls is tried again for as long as bytes come; five
 * tries in a row without one, or wrong bytes twice, end it.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type HubClient, HubError } from "./hub-client.ts";

export interface RemoteFile {
  /** In its repository. */
  path: string;
  bytes: number;
  /** Of the content, in hexadecimal: of large files. */
  sha256?: string | undefined;
  /** Git's id of the content: of small files. */
  gitId?: string | undefined;
}

export interface DownloadOptions {
  client: HubClient;
  /** Path at the hub. */
  from: string;
  file: RemoteFile;
  target: string;
  signal: AbortSignal;
  /** Bytes more than before; less when a part was thrown away. */
  onBytes(change: number): void;
  onRetry(reason: string, inMs: number): void;
  /** Milliseconds before the first retry; doubles with each. Default 500. */
  retryMs?: number;
}

const MOST_TRIES = 5;
const MOST_WRONG = 2;
const LONGEST_WAIT_MS = 60_000;

/** Resolves with the SHA-256 of what is at `target` now. Throws a HubError. */
export async function downloadFile(options: DownloadOptions): Promise<string> {
  const { file, target, signal, onBytes, onRetry, retryMs = 500 } = options;
  const part = `${target}.part`;
  await mkdir(dirname(target), { recursive: true });
  // What an earlier process finished is checked like what this one finishes.
  if ((await stat(target).catch(() => undefined)) !== undefined) await rename(target, part);
  let tries = 0;
  let wrong = 0;
  for (;;) {
    signal.throwIfAborted();
    const before = await sizeOf(part);
    try {
      if (before < file.bytes || file.bytes === 0) await receive(options, part, before);
      const sha256 = await verify(part, file);
      await rename(part, target);
      await rm(etagOf(part), { force: true });
      return sha256;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof HubError) || !error.retryable) throw error;
      const after = await sizeOf(part);
      if (error instanceof WrongBytes) {
        onBytes(-after);
        await discard(part);
        wrong += 1;
        if (wrong >= MOST_WRONG) throw error;
      }
      tries = after > before ? 0 : tries + 1;
      if (tries >= MOST_TRIES) throw error;
      const waitMs = Math.min(LONGEST_WAIT_MS, error.retryAfterMs ?? retryMs * 2 ** tries);
      onRetry(error.message, waitMs);
      await pause(waitMs, undefined, { signal });
    }
  }
}

/** The bytes came, and are not the file's. */
class WrongBytes extends HubError {}

async function receive({ client, from, file, signal, onBytes }: DownloadOptions, part: string, have: number) {
  const etag = have > 0 ? await readFile(etagOf(part), "utf8").catch(() => undefined) : undefined;
  const headers: Record<string, string> = {};
  if (etag !== undefined) Object.assign(headers, { range: `bytes=${have}-`, "if-range": etag });
  const answer = await client.get(from, { headers, signal }).catch((error: unknown) => {
    // There is nothing after what we have, says the server: then it is not the same file.
    if (error instanceof HubError && error.status === 416) throw new WrongBytes(error.message);
    throw error;
  });
  const start = answer.status === 206 ? startOf(answer.headers) : 0;
  let output: FileHandle | undefined;
  try {
    if (start !== have && start !== 0) {
      throw new WrongBytes(`${file.path}: asked for byte ${have} on, the answer begins at ${start}`);
    }
    const announced = Number(answer.headers["content-length"] ?? Number.NaN);
    if (Number.isFinite(announced) && start + announced !== file.bytes) {
      throw new WrongBytes(`${file.path}: the hub lists ${file.bytes} bytes and sends ${start + announced}`);
    }
    output = await open(part, start === 0 ? "w" : "r+");
    if (start === 0) onBytes(-have);
    const strong = answer.headers.etag;
    if (strong?.startsWith('"')) await writeFile(etagOf(part), strong);
    else await rm(etagOf(part), { force: true });
    let at = start;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      if (at + chunk.length > file.bytes) throw new WrongBytes(`${file.path}: more than ${file.bytes} bytes come`);
      await output.write(chunk, 0, chunk.length, at);
      at += chunk.length;
      onBytes(chunk.length);
    }
    if (at < file.bytes) throw new HubError(`${file.path} ends after ${at} of ${file.bytes} bytes`);
    await output.sync();
  } catch (cause) {
    if (cause instanceof HubError || signal.aborted) throw cause;
    const isDisk = cause instanceof Error && "code" in cause && /^(ENOSPC|EDQUOT|EIO|EROFS)$/.test(String(cause.code));
    if (isDisk) throw cause;
    throw new HubError(`${file.path}: the connection broke`, { cause });
  } finally {
    answer.body.destroy();
    await output?.close();
  }
}

function startOf(headers: IncomingHttpHeaders): number {
  return Number(/^bytes (\d+)-/.exec(headers["content-range"] ?? "")?.[1] ?? Number.NaN);
}

async function verify(part: string, { path, bytes, sha256, gitId }: RemoteFile): Promise<string> {
  const whole = createHash("sha256");
  const git = createHash("sha1").update(`blob ${bytes}\0`);
  let size = 0;
  for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    whole.update(chunk);
    if (sha256 === undefined) git.update(chunk);
  }
  const found = whole.digest("hex");
  if (size !== bytes) throw new WrongBytes(`${path} has ${size} bytes instead of ${bytes}`);
  if (sha256 !== undefined && found !== sha256) {
    throw new WrongBytes(`${path} is not what the hub lists: sha256 ${found} instead of ${sha256}`);
  }
  if (sha256 === undefined && gitId !== undefined && git.digest("hex") !== gitId) {
    throw new WrongBytes(`${path} is not what the hub lists: its git id is not ${gitId}`);
  }
  return found;
}

async function discard(part: string): Promise<void> {
  await rm(part, { force: true });
  await rm(etagOf(part), { force: true });
}

function etagOf(part: string): string {
  return `${part}.etag`;
}

export async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
