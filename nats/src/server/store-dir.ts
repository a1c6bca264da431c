/** The folder of JetStream's files: can it be written, and what will it hold? */
import { accessSync, constants, mkdirSync, readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { NatsStartError } from "../start-error.ts";

/** Below this nats-server could not even write its streams' descriptions. */
export const MIN_FREE_BYTES = 16 * 1_048_576;
/** Of what the disk has left, the share that streams may be promised. */
const SHARE = 0.9;

export interface StoreDir {
  /** Bytes that streams may be promised: what they hold now and most of what is free. */
  storeBytes: number;
}

/** Makes the folder. Throws a NatsStartError when it cannot be written or its disk is full. */
export function prepareStoreDir(storeDir: string, minFreeBytes = MIN_FREE_BYTES): StoreDir {
  try {
    mkdirSync(storeDir, { recursive: true, mode: 0o700 });
    accessSync(storeDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    throw new NatsStartError("store_unwritable", `JetStream's folder ${storeDir} cannot be written${code}.`, {
      cause: error,
    });
  }
  const free = freeBytes(storeDir);
  if (free < minFreeBytes) {
    throw new NatsStartError(
      "store_full",
      `The disk of JetStream's folder ${storeDir} is full: ${megabytes(free)} MB are free and ${megabytes(minFreeBytes)} MB are needed.`,
    );
  }
  return { storeBytes: Math.floor((free + bytesUnder(storeDir)) * SHARE) };
}

export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function bytesUnder(folder: string): number {
  let sum = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / 1_048_576);
}
