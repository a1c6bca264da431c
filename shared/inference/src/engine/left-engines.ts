/**
 * Engines that a holder of before left behind. An engine ends itself at its deadline and with its supervisor, unless it cannot:
 * it is stopped, or has not come so far yet. Whoever follows a holder that did not let go ends what is left of it on this machine,
 * and waits until it is gone, memory and all. Found by what is on their command line, so on Linux only: elsewhere, and in containers
 * that do not see each other, the deadline alone must do.
 */
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

/** The argument by which an engine tells whose it is. */
export const holderArgument = (holder: string) => `--holder=${holder}`;

const LOOK_MS = 10;

/** Resolves when none is left, with those that still are after `timeoutMs`: another user's, or what the kernel cannot end. */
export async function endLeftEngines(holders: readonly string[], timeoutMs: number): Promise<number[]> {
  if (holders.length === 0) return [];
  const left = new Set(await enginesOf(holders));
  for (const pid of left) kill(pid);
  for (const until = performance.now() + timeoutMs; left.size > 0 && performance.now() < until; await pause(LOOK_MS)) {
    for (const pid of left) if (await isGone(pid)) left.delete(pid);
  }
  return [...left];
}

async function enginesOf(holders: readonly string[]): Promise<number[]> {
  const wanted = new Set(holders.map(holderArgument));
  const names = await readdir("/proc").catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      if (!/^\d+$/.test(name)) return [];
      const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
      return command.split("\0").some((argument) => wanted.has(argument)) ? [Number(name)] : [];
    }),
  );
  return found.flat();
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended, or is another user's.
  }
}

/** A process whose first thread has ended holds its memory until the last one has. */
async function isGone(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // `pid (name) state …`, with the number of threads as the 20th field; a name may hold spaces and brackets.
  const fields = stat?.split(") ").at(-1)?.split(" ");
  return fields === undefined || (/^[ZX]$/.test(fields[0] ?? "") && Number(fields[17]) <= 1);
}
