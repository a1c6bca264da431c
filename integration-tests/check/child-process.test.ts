import { expect, it } from "vitest";
import { runChild } from "./child-process.ts";

const node = (script: string) => [process.execPath, "-e", script];

it("what a program told before it aborted is kept, with how it ended", async () => {
  const told: object[] = [];
  const result = await runChild({
    command: node(
      `console.log('{"a":1}'); console.log("not JSON"); console.log('{"a":2,"b":3}'); console.error("Error: no"); process.abort()`,
    ),
    limitMs: 60_000,
    onFields: (fields) => told.push(fields),
  });
  expect(result).toMatchObject({ ok: false, fields: { a: 2, b: 3 } });
  expect(result.failure?.error).toMatch(/SIGABRT/);
  expect(told).toEqual([{ a: 1 }, { a: 2, b: 3 }]);
});

it("a program over its limit is ended with everything that it started, and what it told is kept", async () => {
  const inner = `setInterval(() => {}, 1000)`;
  const result = await runChild({
    command: node(
      `const { pid } = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(inner)}], { stdio: "ignore" });
       console.log(JSON.stringify({ pid })); setInterval(() => {}, 1000)`,
    ),
    limitMs: 2_000,
  });
  expect(result).toMatchObject({ ok: false, failure: { error: "not done after 2 s" } });
  const pid = Number(result.fields.pid);
  expect(pid).toBeGreaterThan(0);
  await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
});

it("one that ends well has no failure", async () => {
  const result = await runChild({ command: node(`console.log('{"x":1}')`), limitMs: 60_000 });
  expect(result).toMatchObject({ ok: true, fields: { x: 1 } });
  expect(result.failure).toBeUndefined();
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
