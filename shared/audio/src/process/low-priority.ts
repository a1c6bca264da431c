/**
 * A process that nobody waits for leaves the processor to all others: beside a busy one it has a tenth of a core, and of an idle machine
 * all that it can use.
 *
 * Linux may weigh sessions of processes against each other (autogroup): there a process's own priority counts within its session alone. So
 * it has a session of its own, whose priority is lowered too. Neither counts between control groups, as those of containers.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";

const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
/** Who may not administrate the machine may change one session each tenth of a second. */
const AGAIN_MS = 150;
const MOST_TRIES = 20;

const sessionOf = (pid: number | "self") => `/proc/${pid}/autogroup`;

/** Whether sessions have priorities: then a process that is to have a low one is to be started in a session of its own. */
export const sessionsHavePriorities = existsSync(sessionOf("self"));

/**
 * Below this process, which may have a low one itself. It is never raised again: that takes a privilege.
 * @param onError told why a priority could not be lowered; a process that has ended has none
 */
export function lowerPriority(pid: number, onError: (error: unknown) => void): void {
  attempt(() => setPriority(pid, below(getPriority())), onError);
  if (sessionsHavePriorities) lowerSession(pid, onError, MOST_TRIES);
}

function lowerSession(pid: number, onError: (error: unknown) => void, tries: number): void {
  const again = () => lowerSession(pid, onError, tries - 1);
  attempt(
    () => writeFileSync(sessionOf(pid), String(below(sessionPriority("self")))),
    (error) => {
      if (codeOf(error) === "EAGAIN" && tries > 1) setTimeout(again, AGAIN_MS).unref();
      else onError(error);
    },
  );
}

/** Of the session that a process belongs to: 0 is what all begin with. */
export function sessionPriority(pid: number | "self"): number {
  return Number(/nice (-?\d+)/.exec(readFileSync(sessionOf(pid), "utf8"))?.[1] ?? 0);
}

function below(priority: number): number {
  return Math.min(PRIORITY_LOW, priority + PRIORITY_BELOW_NORMAL);
}

function attempt(lower: () => void, onError: (error: unknown) => void): void {
  try {
    lower();
  } catch (error) {
    if (!hasEnded(error)) onError(error);
  }
}

function hasEnded(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ESRCH" || code === "ENOENT";
}

/** Node's own errors about priorities hold the system's. */
function codeOf(error: unknown): unknown {
  const system = error instanceof Error && "info" in error ? error.info : error;
  return typeof system === "object" && system !== null && "code" in system ? system.code : undefined;
}
