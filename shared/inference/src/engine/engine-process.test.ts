import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { type Engine, EngineDied, type EnginePass, startEngine } from "./engine-process.ts";
import { type Json, monotonicNow, type Room } from "./engine-protocol.ts";
import { runWholePass } from "./whole-pass.ts";

const entry = new URL("../testing/scripted-engine.ts", import.meta.url);
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
    const begun = Promise.withResolvers<void>();
    const run = (name: string, urgency: number) => {
      const onStarted = () => {
        order.push(name);
        begun.resolve();
      };
      return runWholePass(engine, { ...pass(`sleep 200 ${name}`), urgency, onStarted });
    };
    const first = run("first", 2);
    await begun.promise;
    await Promise.all([first, run("batch", 2), run("realtime", 0), run("batch 2", 2)]);
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

describe("a pass in steps", () => {
  function watch(engine: Engine, name: string, events: string[], urgency: number, scripts: string[], room?: Room) {
    const over = Promise.withResolvers<void>();
    const jobs = pass(...scripts).jobs.map((job) => ({ ...job, readsParts: true }));
    const left = new Set(jobs.keys());
    const run = engine.run({ jobs, urgency, room }, (event) => {
      if (event.type === "outcome") {
        events.push(`${name}${event.row} ${event.outcome.ok ? "done" : event.outcome.failure.code}`);
        left.delete(event.row);
      } else if (event.type === "part") events.push(`${name}${event.row} ${JSON.stringify(event.part.meta)}`);
      else if (event.type === "died") events.push(`${name} died, running ${event.running.join(",")}`);
      if (left.size === 0 || event.type === "died" || event.type === "failed") over.resolve();
    });
    return { ...run, over: over.promise };
  }

  test("tells parts and outcomes as they are there, and a more urgent one is done inside it", async () => {
    const engine = start();
    await engine.loaded;
    const events: string[] = [];
    const batch = watch(engine, "batch", events, 2, ["steps 40 10", "steps 2 10"]);
    while (!events.includes("batch1 done")) await pause(5);
    expect(events).not.toContain("batch0 done");
    const urgent = watch(engine, "urgent", events, 0, ["steps 2 10"]);
    await Promise.all([batch.over, urgent.over]);
    expect(events).toContain('batch0 {"text":"step 1"}');
    const order = events.filter((event) => event.endsWith("done"));
    expect(order).toEqual(["batch1 done", "urgent0 done", "batch0 done"]);
  });

  test("is stopped row by row and as a whole while it runs", async () => {
    const engine = start();
    await engine.loaded;
    const events: string[] = [];
    const long = watch(engine, "long", events, 2, ["steps 10000 5", "steps 10000 5", "steps 30 5"]);
    while (events.length === 0) await pause(5);
    long.stop([0]);
    while (!events.includes("long2 done")) await pause(5);
    long.stop();
    await long.over;
    expect(events.filter((event) => !event.includes("step"))).toEqual([
      "long0 cancelled",
      "long2 done",
      "long1 cancelled",
    ]);
    expect(texts(await runWholePass(engine, pass("echo a")))).toEqual(["echo a"]);
  });

  test("takes in rows that wait, where they may", async () => {
    const engine = start({ refills: true });
    await engine.loaded;
    const events: string[] = [];
    const room = { rows: 2, bytes: 1_000 };
    const first = watch(engine, "first", events, 2, ["steps 2 10", "steps 30 10"], room);
    const second = watch(engine, "second", events, 2, ["steps 2 10"], room);
    await Promise.all([first.over, second.over]);
    expect(events.filter((event) => event.endsWith("done"))).toEqual(["first0 done", "second0 done", "first1 done"]);
  });

  test("that ran inside another when the engine died was the one that it was working on", async () => {
    const engine = start();
    await engine.loaded;
    const events: string[] = [];
    const outer = watch(engine, "outer", events, 2, ["steps 1000 5", "steps 1 5"]);
    while (!events.includes("outer1 done")) await pause(5);
    const inner = watch(engine, "inner", events, 0, ["crash", "steps 3 5"]);
    await Promise.all([outer.over, inner.over]);
    expect(events).toContain("outer died, running ");
    expect(events).toContain("inner died, running 0,1");
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
      fileURLToPath(new URL("../testing/supervisor-fixture.ts", import.meta.url)),
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
