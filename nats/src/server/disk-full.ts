/**
 * A disk that ran full while the server runs. From 2.14 on a stream whose write failed stays frozen, and answers nobody, until the
 * server starts anew, however much space there is by then. So the server is ended once there is space again; who supervises
 * it starts it again.
 */
import { freeBytes, MIN_FREE_BYTES } from "./store-dir.ts";

const LOOK_EVERY_MS = 2_000;

export interface DiskFullOptions {
  storeDir: string;
  log?: { warn(fields: object, message: string): void } | undefined;
  endServer: () => void;
  lookEveryMs?: number | undefined;
}

export interface DiskFull {
  /** To be told each line that the server logs. */
  hear(line: string): void;
  stop(): void;
}

export function watchDiskFull({ storeDir, log, endServer, lookEveryMs = LOOK_EVERY_MS }: DiskFullOptions): DiskFull {
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    if (freeBytes(storeDir) < MIN_FREE_BYTES) return;
    stop();
    log?.warn({ storeDir }, "the disk has space again: nats-server is started anew");
    endServer();
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    hear(line) {
      if (timer || !/critical write error|no space left on device/i.test(line)) return;
      log?.warn({ storeDir }, "the disk of JetStream's folder is full: nothing is stored until it has space again");
      timer = setInterval(look, lookEveryMs);
      timer.unref();
    },
    stop,
  };
}
