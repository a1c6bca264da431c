/**
 * Gives memory back at once. Arrays of megabytes that are merely dropped stay until a garbage collection, which knows
 * nothing of the memory around it: a process would be as large as all that it dropped in the meantime.
 */
import type { TensorData } from "./tensors.ts";

/** The arrays are empty afterwards, and so is every view of the same memory. */
export function freeArrays(arrays: Iterable<ArrayBufferView>): void {
  for (const { buffer } of arrays) {
    if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
  }
}

/** Outputs of a run that have been read. */
export function freeTensors(tensors: Readonly<Record<string, TensorData>>): void {
  freeArrays(Object.values(tensors).map(({ data }) => data));
}
