/** What ONNX Runtime's messages mean: it has no error codes in JavaScript, so running out of memory is known by its words. */
import { SpeechError } from "@parlance/contracts";

const outOfMemory = [
  /out of memory/i,
  /failed to allocate memory/i,
  /bad_alloc/i,
  /bad allocation/i,
  /_ALLOC_FAILED/,
  /smaller than requested bytes/i,
  /array buffer allocation failed/i,
  /CUDA failure 2\b/i,
];

/** An allocation that does not fit the address space: the graph asked for more than any machine has. */
const sizeOverflow = /integer overflow|size computation.*overflow/i;

/** A SpeechError `engine_out_of_memory` when the message says so; any other error as it is. */
export function toEngineError(error: unknown): unknown {
  if (error instanceof SpeechError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (!outOfMemory.some((pattern) => pattern.test(message)) && !sizeOverflow.test(message)) return error;
  return new SpeechError("engine_out_of_memory", `The pass does not fit the device's memory: ${firstLine(message)}`, {
    cause: error,
  });
}

function firstLine(message: string): string {
  return (message.split("\n", 1)[0] ?? "").slice(0, 300);
}
