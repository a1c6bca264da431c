/** Memory in use on the first CUDA device, of all processes: a container does not see whose it is. */
import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** In MB of 2^20 bytes, as nvidia-smi counts; undefined where it does not tell. */
export async function usedMb(): Promise<number | undefined> {
  const query = ["--query-gpu=memory.used", "--format=csv,noheader,nounits"];
  const answer = await run("nvidia-smi", query, { timeout: 15_000 }).catch(() => undefined);
  const used = Number.parseFloat(answer?.stdout.split("\n")[0] ?? "");
  return Number.isFinite(used) ? used : undefined;
}

/** The driver takes a moment to give back what a killed process had: the least that was seen within `limitMs`. */
export async function settledMb(goal: number, limitMs = 5_000): Promise<number | undefined> {
  const deadline = Date.now() + limitMs;
  let least: number | undefined;
  for (;;) {
    const used = await usedMb();
    if (used === undefined) return least;
    least = Math.min(least ?? used, used);
    if (least <= goal || Date.now() > deadline) return least;
    await pause(200);
  }
}
