/**
 * How much memory nats-server is told to stay under. With half as much it would read what it has just stored from its files again, 8 MB for
 * each file that is asked for: recordings of 25 s go through half as fast, short ones as fast as ever. Pure.
 */
import { SMALL_MACHINE_BYTES } from "./processes.ts";

const USUAL_BYTES = 512 * 2 ** 20;

/**
 * @param wished 0: as much as it takes
 * @param memoryBytes what the machine has, or the container that this runs in may use
 */
export function natsMemory(wished: number | undefined, memoryBytes: number): number {
  return wished ?? (memoryBytes < SMALL_MACHINE_BYTES ? USUAL_BYTES / 2 : USUAL_BYTES);
}
