/** Which talker makes the frames: the loop that is in the graph, or a run for every step. Pure. */
import { type ChooseGraphOptions, chooseGraph } from "@parlance/inference";

const floats: readonly string[] = ["float32", "float16"];

/**
 * On CUDA the loop, for frame by frame keys and values would go over the bus: unless the steps come in the format that is wanted and the
 * loop does not. Few bits are for the CPU: there is no loop in them, and what a GPU runs of them is slower than any loop. On the CPU the
 * steps: rows that have ended leave, and others join at once.
 */
export function prefersLoop(wishes: Omit<ChooseGraphOptions, "role">): boolean {
  const roles = Object.keys(wishes.manifest.files);
  if (wishes.provider !== "cuda" || !roles.some((role) => role === "loop" || role.startsWith("loop."))) return false;
  const [loop, steps] = ["loop", "talker"].map((role) => chooseGraph({ ...wishes, role }).computeType);
  return loop === steps || steps === undefined || !floats.includes(steps);
}
