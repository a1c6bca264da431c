/** Whether the services of a stack run in one process or in one each. Pure. */
import type { Settings } from "@parlance/contracts";

export type Processes = "one" | "many";

/** Bytes below which a machine is small: five Node processes take a tenth of that, one a fortieth. */
export const SMALL_MACHINE_BYTES = 4_000_000_000;

/** @param memoryBytes what the machine has, or the container that this runs in may use */
export function chooseProcesses(wish: Settings<"PROCESSES">["PROCESSES"], memoryBytes: number): Processes {
  if (wish !== "auto") return wish;
  return memoryBytes < SMALL_MACHINE_BYTES ? "one" : "many";
}
