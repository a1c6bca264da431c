import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { type Engine, startEngine } from "./engine-process.ts";
import { monotonicNow } from "./engine-protocol.ts";
import { endLeftEngines } from "./left-engines.ts";

const entry = new URL("../testing/scripted-engine.ts", import.meta.url);
const started: Engine[] = [];
afterEach(async () => {
  for (const engine of started.splice(0)) await engine.kill();
});

function start(holder: string, deadlineMs = 30_000): Engine {
  const engine = startEngine({ entry, options: {}, holder, deadline: monotonicNow() + deadlineMs });
  started.push(engine);
  return engine;
}

function state(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.[0] ?? "";
}

test("an engine that is stopped past its deadline, and cannot end itself, is ended by whoever follows its holder", async () => {
  const deadlineMs = 8_000;
  const until = monotonicNow() + deadlineMs;
  const engine = start("before", deadlineMs);
  const other = start("another");
  await Promise.all([engine.loaded, other.loaded]);
  process.kill(engine.pid, "SIGSTOP");
  await pause(until + 500 - monotonicNow());
  expect(state(engine.pid)).toBe("T");
  expect(await endLeftEngines(["nobody", "before"], 5_000)).toEqual([]);
  expect(await engine.exited).toMatchObject({ signal: "SIGKILL", killed: false });
  expect(["R", "S"]).toContain(state(other.pid));
});

test("one that came into the world after its deadline never loads anything", async () => {
  const engine = start("late", -1);
  await expect(engine.loaded).rejects.toMatchObject({ name: "EngineDied" });
  expect(await engine.exited).toMatchObject({ signal: "SIGKILL" });
});

test("what cannot be ended is told, and waited for no longer than asked", async () => {
  expect(await endLeftEngines(["no such holder"], 0)).toEqual([]);
  const engine = start("slow");
  await engine.loaded;
  expect(await endLeftEngines(["slow"], 0)).toEqual([engine.pid]);
});
