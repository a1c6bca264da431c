import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { constants, getPriority } from "node:os";
import { expect, test } from "vitest";
import { lowerPriority, sessionPriority, sessionsHavePriorities } from "./low-priority.ts";

const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;
const below = (priority: number) => Math.min(PRIORITY_LOW, priority + PRIORITY_BELOW_NORMAL);

test("a process of low priority is below us, and so is its session where sessions have one", async () => {
  expect(sessionsHavePriorities).toBe(existsSync("/proc/self/autogroup"));
  const child = spawn("sleep", ["60"], { detached: true });
  const exited = once(child, "exit");
  const pid = child.pid ?? 0;
  const errors: unknown[] = [];
  const ours = [getPriority(), ...(sessionsHavePriorities ? [sessionPriority("self")] : [])];
  try {
    lowerPriority(pid, (error) => errors.push(error));
    expect([getPriority(pid), ...(sessionsHavePriorities ? [sessionPriority(pid)] : [])]).toEqual(ours.map(below));
    expect([getPriority(), ...(sessionsHavePriorities ? [sessionPriority("self")] : [])]).toEqual(ours);
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
  expect(errors).toEqual([]);
});

test("one that has ended has none, which is no error; what is not ours to lower is told", () => {
  const errors: unknown[] = [];
  const tell = (error: unknown) => void errors.push(error);
  lowerPriority(spawnSync("true").pid, tell);
  expect(errors).toEqual([]);
  lowerPriority(Number.NaN, tell);
  expect(errors[0]).toMatchObject({ code: "ERR_OUT_OF_RANGE" });
});
