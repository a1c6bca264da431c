import { describe, expect, test } from "vitest";
import { type Handed, ids, toldTenure } from "../testing/told-tenure.ts";
import type { TenureEffect } from "./tenure-state.ts";

const CANCELLED = { ok: false, failure: { code: "cancelled", message: "" } } as const;

const late = (effects: readonly TenureEffect[]) =>
  effects.flatMap((effect) => (effect.do === "late" ? [effect.job.id] : []));
const failed = (effects: readonly TenureEffect[]) =>
  effects.flatMap((effect) => (effect.do === "convict" ? [[effect.job.id, effect.job.suspicion]] : []));

function only(handed: readonly Handed[]): Handed {
  const [first, ...more] = handed;
  if (first === undefined || more.length > 0) throw new Error(`${handed.length} passes were handed over`);
  return first;
}

describe("windows", () => {
  test("that wait form one pass without waiting for more, and those that come while it runs the next", () => {
    const worker = toldTenure();
    const first = only(worker.handed(worker.windows(3)));
    expect(first.jobs).toHaveLength(3);
    worker.start(first, 1);
    expect(worker.handed(worker.windows(1))).toEqual([]);
    expect(worker.handed(worker.windows(1))).toEqual([]);
    for (const row of [0, 1]) expect(worker.handed(worker.end(first.pass, row))).toEqual([]);
    expect(ids(worker.handed(worker.end(first.pass, 2)))).toEqual([[4, 5]]);
  });

  test("run inside all else but whole utterances, and those inside them", () => {
    const worker = toldTenure();
    worker.full();
    const windows = only(worker.handed(worker.windows(2)));
    worker.start(windows, 2);
    expect(worker.handed(worker.job("interactive")).length).toBeLessThanOrEqual(1);
    const whole = only(worker.handed(worker.job("realtime")));
    expect(whole).toMatchObject({ lane: "realtime", jobs: [{ lane: "realtime" }] });
  });

  test("share a pass with whole utterances where a row beside another costs next to nothing, if they are no longer", () => {
    for (const cuda of [false, true]) {
      const worker = toldTenure({ cuda });
      worker.start(only(worker.handed(worker.job("realtime"))), 1);
      worker.job("realtime");
      worker.windows(1);
      worker.windows(1, 1_000, { bytes: 1_000 });
      const handed = worker.handed(worker.end(only(worker.handed(worker.told)).pass, 0));
      expect(ids(handed)).toEqual(cuda ? [[3, 2]] : [[2]]);
    }
  });

  test("take nothing less urgent along, and are joined by nothing else", () => {
    const worker = toldTenure({ refills: true });
    worker.job("batch", { bytes: 10 });
    const windows = only(worker.handed(worker.windows(2)));
    expect(ids([windows])).toEqual([[2, 3]]);
    worker.start(windows, 1);
    expect(worker.handed(worker.job("interactive", { bytes: 10 })).map(({ lane }) => lane)).not.toContain("window");
    expect(worker.handed(worker.job("batch", { bytes: 10 }))).toEqual([]);
    const joined = only(worker.handed(worker.windows(1)));
    expect(joined).toMatchObject({ lane: "window", jobs: [{ lane: "window" }] });
  });

  test("whose time is up are answered as late, here and where the engine has not begun with them", () => {
    const worker = toldTenure();
    const running = only(worker.handed(worker.windows(1, 5_000)));
    worker.start(running, 1);
    // Full, so that it waits in the engine; and one more, which waits here.
    const prepared = only(worker.handed(worker.windows(4, 300)));
    worker.windows(1, 200);
    expect(worker.wakeAt()).toBe(200);
    expect(late(worker.pass(200))).toEqual([6]);
    const effects = worker.pass(100);
    expect(effects).toEqual([{ do: "stop", pass: prepared.pass, rows: [0, 1, 2, 3] }]);
    const ends = [0, 1, 2, 3].map((row) => worker.end(prepared.pass, row, CANCELLED));
    expect(ends.map(late)).toEqual([[2], [3], [4], [5]]);
    expect(worker.told.filter(({ do: what }) => what === "late")).toHaveLength(5);
    // What runs is not broken off.
    expect(late(worker.pass(6_000))).toEqual([]);
  });

  test("of a cancelled session are wanted by nobody", () => {
    const worker = toldTenure();
    const running = only(worker.handed(worker.windows(1)));
    worker.start(running, 1);
    worker.windows(1);
    const effects = worker.tell({ type: "cancelled", batchId: "s2" });
    expect(effects).toMatchObject([{ do: "unwanted", job: { id: 2 } }]);
    expect(worker.tell({ type: "cancelled", batchId: "s1" })).toEqual([{ do: "stop", pass: running.pass, rows: [0] }]);
  });
});

describe("windows under which an engine died", () => {
  const exit = { killed: false, deadline: false, signal: null } as const;

  test("have failed, and are not run again; what only waited in the engine waits again", () => {
    const worker = toldTenure();
    const running = only(worker.handed(worker.windows(2)));
    worker.start(running, 1);
    const prepared = only(worker.handed(worker.windows(4, 60_000)));
    const effects = worker.tell({ type: "died", pass: running.pass, rows: [0, 1], running: [0, 1], exit });
    expect(failed(effects)).toEqual([
      [1, 3],
      [2, 3],
    ]);
    expect(failed(worker.tell({ type: "died", pass: prepared.pass, rows: [0, 1, 2, 3], running: [], exit }))).toEqual(
      [],
    );
    expect(worker.state().waiting.map(({ id }) => id)).toEqual([3, 4, 5, 6]);
  });

  test("are suspected, and run each alone, behind all that nothing is held against", () => {
    const worker = toldTenure();
    const running = only(worker.handed(worker.windows(1)));
    worker.start(running, 1);
    worker.windows(2, 60_000, { suspicion: 3 });
    worker.windows(2, 60_000);
    const innocent = only(worker.handed(worker.end(running.pass, 0)));
    expect(ids([innocent])).toEqual([[4, 5]]);
    worker.start(innocent, 2);
    worker.end(innocent.pass, 0);
    const alone = only(worker.handed(worker.end(innocent.pass, 1)));
    expect(ids([alone])).toEqual([[2]]);
    worker.start(alone, 3);
    expect(ids(worker.handed(worker.end(alone.pass, 0)))).toEqual([[3]]);
  });

  test("or failed together with a whole utterance leave that to run alone", () => {
    const worker = toldTenure({ cuda: true });
    worker.start(only(worker.handed(worker.windows(1))), 1);
    worker.job("realtime", { bytes: 100 });
    const whole = only(worker.handed(worker.told).slice(-1));
    worker.start(whole, 2);
    worker.job("realtime", { bytes: 100 });
    worker.windows(1);
    const both = only(worker.handed(worker.end(whole.pass, 0)));
    expect(ids([both])).toEqual([[4, 3]]);
    worker.start(both, 3);
    const effects = worker.tell({
      type: "failed",
      pass: both.pass,
      rows: [0, 1],
      failure: { code: "internal", message: "" },
    });
    expect(failed(effects)).toEqual([[4, 3]]);
    expect(worker.state().phase).toMatchObject({ tenure: { again: [[{ id: 3 }]] } });
  });
});

describe("an open session", () => {
  const others = (worker: ReturnType<typeof toldTenure>, lane: "interactive" | "batch" | "realtime") =>
    worker.tell({ type: "standing", standby: false, waiters: [{ lane, since: worker.state().heardAt }] });

  function spoken() {
    const worker = toldTenure();
    const windows = only(worker.handed(worker.windows(1)));
    worker.start(windows, 1);
    worker.end(windows.pass, 0);
    return worker;
  }

  test("keeps the accelerator from another family's backlog between two windows, until nothing was heard of it for long", () => {
    const worker = spoken();
    worker.pass(200);
    others(worker, "batch");
    expect(worker.phase()).toBe("working");
    worker.pass(4_799);
    expect(worker.phase()).toBe("working");
    expect(worker.wakeAt()).toBe(5_000);
    worker.pass(1);
    expect(worker.phase()).toBe("ending");
  });

  test("lets another family's request in as soon as nobody speaks for a moment", () => {
    const worker = spoken();
    others(worker, "interactive");
    expect(worker.phase()).toBe("working");
    expect(worker.wakeAt()).toBe(1_000);
    worker.pass(1_000);
    expect(worker.phase()).toBe("ending");
    expect(worker.told.at(-1)).toMatchObject({ do: "kill" });
  });

  test("is what others are told of while the lease is waited for, though its window was answered as late", () => {
    const worker = spoken();
    others(worker, "interactive");
    worker.pass(1_000);
    worker.tell({ type: "exited", engine: 2 });
    const engine = worker.told.findLast((effect) => effect.do === "load");
    worker.tell({ type: "exited", engine: engine?.do === "load" ? engine.engine : 0 });
    worker.windows(1, 500);
    worker.tell({ type: "released" });
    worker.tell({ type: "prepared", model: 0, maxBatchSize: 4 });
    expect(worker.told.at(-1)).toMatchObject({ do: "acquire", lane: "realtime" });
    const effects = worker.pass(500);
    expect(late(effects)).toHaveLength(1);
    expect(effects.some((effect) => effect.do === "urge")).toBe(false);
  });

  test("bounds passes of other work by how long they kept it waiting, where the engine does not let it in between", () => {
    const worker = toldTenure();
    // The first pass is full: nothing was learned yet.
    const full = worker.full();
    const windows = only(worker.handed(worker.windows(1, 60_000)));
    worker.pass(500);
    worker.start(windows, 2);
    worker.end(windows.pass, 0);
    // Two rows are as long as a window may wait.
    worker.endAll(full, 500);
    const next = only(worker.handed([1, 2, 3, 4].flatMap(() => worker.job("batch"))));
    expect(next.jobs).toHaveLength(2);
    const behind = only(worker.handed(worker.start(next, 3)));
    for (const row of [0, 1]) worker.end(next.pass, row);
    worker.start(behind, 4);
    // Nobody speaks any more.
    worker.pass(6_000);
    expect(only(worker.handed([1, 2, 3, 4].flatMap(() => worker.job("batch")))).jobs).toHaveLength(4);
  });
});
