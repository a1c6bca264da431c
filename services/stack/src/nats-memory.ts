/**
 * How much memory nats-server is told to stay under. Pure.
 *
 * It keeps what was stored or read in the last ten seconds or so in memory, and that is in use: where recordings of 25 s are uploaded as
 * fast as they go, more than half a gigabyte. Under a limit that is less, its collector never rests, and a recording costs it two or three times as
 * much; what it did let go it reads again, 8 MB for each file that is asked for. So a machine of 8 GB gives it a gigabyte.
 */
import { SMALL_MACHINE_BYTES } from "./processes.ts";

const SMALL_MACHINES_BYTES = 256 * 2 ** 20;
const LEAST_BYTES = 512 * 2 ** 20;
const MOST_BYTES = 2 ** 30;
/** Of the machine's memory. */
const SHARE = 1 / 8;

/**
 * @param wished 0: as much as it takes
 * @param memoryBytes what the machine has, or the container that this runs in may use
 */
export function natsMemory(wished: number | undefined, memoryBytes: number): number {
  if (wished !== undefined) return wished;
  if (memoryBytes < SMALL_MACHINE_BYTES) return SMALL_MACHINES_BYTES;
  return Math.min(Math.max(LEAST_BYTES, Math.round(memoryBytes * SHARE)), MOST_BYTES);
}
