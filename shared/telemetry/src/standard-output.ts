/**
 * Where a process's log lines go, whole and at once. Whoever read them may be gone before the process is: then they are dropped, and
 * nothing waits. (pino's own destination tries for ever to write what is left when a process ends, sonic-boom 4.2.1.)
 */
import { writeSync } from "node:fs";

const FULL_PAUSE_MS = 5;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** @param write Default: to standard output. Returns how many bytes it took. */
export function createStandardOutput(write: (bytes: Uint8Array) => number = (bytes) => writeSync(1, bytes)) {
  let read = true;
  return {
    write(line: string): void {
      let rest: Uint8Array = Buffer.from(line);
      while (read && rest.length > 0) {
        try {
          rest = rest.subarray(write(rest));
        } catch (error) {
          // A full pipe empties; any other error is its end.
          if (isFull(error)) Atomics.wait(pause, 0, 0, FULL_PAUSE_MS);
          else read = false;
        }
      }
    },
  };
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EAGAIN" || error.code === "EBUSY");
}
