/** A thread that reads memory as fast as it can, and tells the bytes of a second: what looks for a byte looks at every one. */
import { parentPort } from "node:worker_threads";

const BYTES = 256 * 2 ** 20;
const SECONDS = 1.5;

// Written, so that it is memory of its own.
const memory = Buffer.alloc(BYTES, 1);
const began = performance.now();
let read = 0;
while (performance.now() - began < SECONDS * 1_000) {
  if (memory.indexOf(2) !== -1) throw new Error("there is no such byte");
  read += BYTES;
}
parentPort?.postMessage(read / ((performance.now() - began) / 1_000));
