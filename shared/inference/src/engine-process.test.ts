import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { type Engine, EngineDied, type EnginePass, startEngine } from "./engine-process.ts";
import { type Json, monotonicNow } from "./engine-protocol.ts";
import { runWholePass } from "./whole-pass.ts";

const entry = new URL("./testing/scripted-engine.ts", import.meta.url);
const started: Engine[] = [];
afterEach(async () => {
  for (const engine of started.splice(0)) await engine.kill();
});

function start(options: Json = {}, deadlineMs = 30_000): Engine {
  const engine = startEngine({ entry, options, deadline: monotonicNow() + deadlineMs });
  started.push(engine);
  return engine;
}

function pass(...scripts: string[]): EnginePass {
  return { urgency: 2, jobs: scripts.map((script, row) => ({ meta: { row }, payload: Buffer.from(script) })) };
}

const texts = ({ outcomes }: { outcomes: { ok: boolean; meta?: Json }[] }) =>
  outcomes.map((outcome) => (outcome.meta as { text: string } | undefined)?.text);

function alive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("a pass", () => {
  test("gets an outcome per row, in order, and a row that fails leaves the others alone", async () => {
    const engine = start();
    expect(await engine.loaded).toMatchObject({ name: "scripted" });
    const { outcomes, startedAt, finishedAt } = await runWholePass(engine, pass("echo a", "fail", "big 100000"));
    expect(outcomes).toMatchObject([
      { ok: true, meta: { text: "echo a", given: { row: 0 }, passSize: 3 } },
      { ok: false, failure: { code: "language_unsupported" } },
      { ok: true },
    ]);
    expect(outcomes[2]?.ok && outcomes[2].payload?.byteLength).toBe(100_000);
    expect(finishedAt).toBeGreaterThanOrEqual(startedAt);
  });

  test("handed over while another runs follows it at once; a more urgent one overtakes what waits", async () => {
    const engine = start();
    await engine.loaded;
    const order: string[] = [];
    const run = (name: string, urgency: number) =>
      runWholePass(engine, { ...pass(`sleep 50 ${name}`), urgency, onStarted: () => order.push(name) });
    await Promise.all([run("first", 2), run("batch", 2), run("realtime", 0), run("batch 2", 2)]);
    expect(order).toEqual(["first", "realtime", "batch", "batch 2"]);
  });

  test("that fails as a whole, or does not fit, leaves the engine running", async () => {
    const engine = start({ rows: 2 });
    await expect(runWholePass(engine, pass("echo a", "echo b", "echo c"))).rejects.toMatchObject({
      code: "engine_out_of_memory",
    });
    await expect(runWholePass(engine, pass("break"))).rejects.toMatchObject({ code: "engine_failed" });
    expect(texts(await runWholePass(engine, pass("echo a", "echo b")))).toEqual(["echo a", "echo b"]);
  });

  test("of 15 MB costs little", async () => {
    const engine = start();
    await engine.loaded;
    const jobs = Array.from({ length: 16 }, () => ({ meta: null, payload: new Uint8Array(960_000) }));
    const times: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      const began = performance.now();
      await runWholePass(engine, { urgency: 2, jobs });
      times.push(performance.now() - began);
    }
    // 30 to 50 ms on two busy cores, and while another pass runs; a pass of that much audio takes seconds.
    expect(Math.min(...times)).toBeLessThan(100);
  });
});

describe("an engine", () => {
  test("that cannot load says why", async () => {
    await expect(start({ loadFails: true }).loaded).rejects.toMatchObject({
      code: "validation_failed",
      param: "MODEL_ID",
    });
  });

  test("that crashes fails the running pass and the waiting one, and tells them apart", async () => {
    const engine = start();
    const running = runWholePass(engine, pass("crash"));
    const waiting = runWholePass(engine, pass("echo a"));
    await expect(running).rejects.toMatchObject({ name: "EngineDied", running: true });
    await expect(waiting).rejects.toMatchObject({ name: "EngineDied", running: false });
    expect(await engine.exited).toMatchObject({ signal: "SIGABRT", killed: false, deadline: false });
    await expect(runWholePass(engine, pass("echo a"))).rejects.toBeInstanceOf(EngineDied);
  });

  test("is killed in the middle of a pass within a moment", async () => {
    const engine = start();
    await engine.loaded;
    const hung = runWholePass(engine, pass("hang")).catch((error) => error);
    await pause(50);
    const began = performance.now();
    await engine.kill();
    expect(performance.now() - began).toBeLessThan(500);
    expect(await hung).toMatchObject({ running: true, exit: { killed: true } });
    expect(alive(engine.pid)).toBe(false);
  });

  test("kills itself at its deadline in the middle of a pass, and not before when that is moved", async () => {
    const began = monotonicNow();
    const engine = start({}, 8_000);
    engine.extend(began + 9_000);
    await engine.loaded;
    const hung = runWholePass(engine, pass("hang")).catch((error) => error);
    const exit = await engine.exited;
    expect(monotonicNow() - began).toBeGreaterThan(8_950);
    expect(exit).toMatchObject({ signal: "SIGKILL", killed: false, deadline: true });
    expect(await hung).toMatchObject({ running: true });
  });

  test("dies with its supervisor, killed while a pass runs", async () => {
    const supervisor = spawn(process.execPath, [
      fileURLToPath(new URL("./testing/supervisor-fixture.ts", import.meta.url)),
    ]);
    const [line] = (await once(supervisor.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    expect(alive(pid)).toBe(true);
    supervisor.kill("SIGKILL");
    await once(supervisor, "exit");
    for (let waited = 0; alive(pid) && waited < 2_000; waited += 5) await pause(5);
    expect(alive(pid)).toBe(false);
  });

  test("is given none of the service's credentials", async () => {
    process.env.NATS_PASSWORD = "secret";
    const engine = start();
    await engine.loaded;
    delete process.env.NATS_PASSWORD;
    expect(readFileSync(`/proc/${engine.pid}/environ`, "utf8")).not.toContain("NATS_PASSWORD");
  });
});
