/** Processor time by part of the pipeline, from the process table: who eats what the engine does not. Linux only. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { processTree } from "../../src/process-table.ts";

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"]).toString());

export const OWN_CLIENT = "the benchmark's own client";

export type CpuSeconds = Record<string, number>;

/** User and system seconds that each part below `root` has used so far, the benchmark's own process included. */
export function cpuSeconds(root: number): CpuSeconds {
  const seconds: CpuSeconds = {};
  for (const pid of [...processTree(root), process.pid]) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      const part = pid === process.pid ? OWN_CLIENT : partOf(command);
      seconds[part] = (seconds[part] ?? 0) + processorSeconds(pid);
    } catch {
      // The process ended while it was read.
    }
  }
  return seconds;
}

/** User and system seconds that one process has used so far. Throws when it is gone. */
export function processorSeconds(pid: number): number {
  // Fields 14 and 15 of the line, counted behind the name's closing bracket.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export function difference(after: CpuSeconds, before: CpuSeconds): CpuSeconds {
  return Object.fromEntries(Object.entries(after).map(([part, seconds]) => [part, seconds - (before[part] ?? 0)]));
}

function partOf(command: string): string {
  if (/nats-server/.test(command)) return "nats-server";
  if (/engine\.(ts|js)/.test(command)) return "engine";
  if (/decoder/.test(command)) return "ingest's decoder";
  return command.match(/services\/([a-z-]+)\//)?.[1] ?? "other";
}
