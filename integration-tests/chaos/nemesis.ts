/** Who does the harm: kills and pauses processes of a running pipeline. */
import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "@parlance/bus";
import { leaseEntries } from "@parlance/contracts";
import type { Pipeline } from "../src/pipeline.ts";
import { engineProcesses } from "../src/process-table.ts";

export const targets = [
  "gateway",
  "ingest",
  "results",
  "transcribe-worker",
  "tts-worker",
  "engine",
  "nats-server",
] as const;
export type Target = (typeof targets)[number];

/** Sends SIGKILL. Waits for a target that is not there at the moment (an engine between two loads) up to `timeoutMs`. */
export async function kill(pipeline: Pipeline, target: Target, timeoutMs = 20_000): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const pid = findPid(pipeline, target);
    if (pid !== undefined && send(pid, "SIGKILL")) return true;
    await pause(10);
  }
  return false;
}

function findPid(pipeline: Pipeline, target: Target): number | undefined {
  const { pids } = pipeline.processes();
  const engines = engineProcesses(pipeline);
  if (target === "engine") return engines[0]?.pid;
  // Of several workers the one that has an engine is the one that works.
  const working = engines.find(({ worker }) => worker === target)?.parent;
  return Object.values(pids).find((each) => each === working) ?? pids[target];
}

/** Waits until the engine of one family follows that of another, and kills it while it is still loading. */
export async function killDuringSwap(pipeline: Pipeline, timeoutMs = 20_000): Promise<boolean> {
  let before: string | undefined;
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const [engine] = engineProcesses(pipeline);
    if (engine !== undefined && before !== undefined && engine.worker !== before && send(engine.pid, "SIGKILL")) {
      return true;
    }
    before = engine?.worker ?? before;
    await pause(10);
  }
  return false;
}

/**
 * Stops the process that holds the lease for `milliseconds`, then lets it go on. Waits for a holder up to `timeoutMs`: after a
 * kill there may be none for a moment. False when nobody came.
 */
export async function pauseLeaseHolder(
  bus: Bus,
  accelerator: string,
  milliseconds: number,
  timeoutMs = 20_000,
): Promise<boolean> {
  const holders = bus.bucket(leaseEntries.holder);
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const holder = (await holders.get(accelerator))?.value;
    if (holder !== undefined && send(holder.pid, "SIGSTOP")) {
      await pause(milliseconds);
      return send(holder.pid, "SIGCONT");
    }
    await pause(50);
  }
  return false;
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
