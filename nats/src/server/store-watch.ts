/**
 * The disk of JetStream's folder while the server runs: another program may fill it, or it may turn read-only. Looked at all the
 * time, so that whoever asks is told before a write is tried: from 2.14 on a stream whose write failed stays frozen, and answers
 * nobody, until the server starts anew, however much space there is by then. A server that has such a stream is ended once
 * its disk can be written again; who supervises it starts it again.
 */
import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { MIN_FREE_BYTES } from "./store-dir.ts";

const LOOK_EVERY_MS = 2_000;

export interface StoreWatchOptions {
  storeDir: string;
  log?: { info(fields: object, message: string): void; warn(fields: object, message: string): void } | undefined;
  /** Called with a sentence when nothing can be stored any more, and with undefined when it can again. */
  onProblem?: ((sentence: string | undefined) => void) | undefined;
  endServer: () => void;
  lookEveryMs?: number | undefined;
  minFreeBytes?: number | undefined;
}

export interface StoreWatch {
  /** To be told each line that the server logs. */
  hear(line: string): void;
  stop(): void;
}

export function watchStore(options: StoreWatchOptions): StoreWatch {
  const { storeDir, log, onProblem, endServer, lookEveryMs = LOOK_EVERY_MS, minFreeBytes = MIN_FREE_BYTES } = options;
  let problem: string | undefined;
  let frozen = false;
  let looking = false;
  let stopped = false;

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    const found = await findProblem(storeDir, minFreeBytes);
    looking = false;
    if (stopped) return;
    tell(found);
    if (!frozen || found !== undefined) return;
    frozen = false;
    log?.warn({ storeDir }, "JetStream's folder can be written again: nats-server is started anew");
    endServer();
  }

  function tell(found: string | undefined): void {
    if (found === problem) return;
    problem = found;
    if (found === undefined) log?.info({ storeDir }, "JetStream's folder can be written again");
    else log?.warn({ storeDir }, found);
    onProblem?.(found);
  }

  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  return {
    hear(line) {
      if (!/critical write error|no space left on device|read-only file system/i.test(line)) return;
      frozen = true;
      look();
    },
    stop() {
      stopped = true;
      clearInterval(timer);
      // The next server begins with a look of its own.
      tell(undefined);
    },
  };
}

async function findProblem(storeDir: string, minFreeBytes: number): Promise<string | undefined> {
  try {
    await access(storeDir, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(storeDir);
    if (bavail * bsize >= minFreeBytes) return undefined;
    return "JetStream's disk is full: nothing is stored until it has space again.";
  } catch {
    return "JetStream's folder cannot be written: nothing is stored until it can.";
  }
}
