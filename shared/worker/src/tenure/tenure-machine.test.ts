import { describe, expect, test } from "vitest";
import type { WorkLane } from "../lanes/work-lane.ts";
import { ids, toldTenure } from "../testing/told-tenure.ts";
import type { TenureEffect } from "./tenure-state.ts";

const CANCELLED = { ok: false, failure: { code: "cancelled", message: "" } } as const;

describe("a run that may be joined", () => {
  test("is handed rows of its lane as they come, as many as a pass holds, with room for them", () => {
    const worker = toldTenure({ refills: true });
    const first = worker.full();
    expect(first.room).toEqual({ rows: 4, bytes: Number.MAX_SAFE_INTEGER });
    const joined = [5, 6, 7, 8, 9].map(() => worker.handed(worker.job("batch")));
    expect(joined.map(ids)).toEqual([[[5]], [[6]], [[7]], [[8]], []]);
    // One of them has begun: there is room for the next.
    const [fifth] = joined[0] ?? [];
    worker.end(first.pass, 0);
    expect(ids(worker.handed(fifth ? worker.start(fifth, 1) : []))).toEqual([[9]]);
  });

  test("and is narrow is let come to its end when more waits than it holds", () => {
    const worker = toldTenure({ refills: true });
    worker.job("batch");
    const [narrow] = worker.handed(worker.pass(20));
    if (narrow === undefined) throw new Error("it was not handed over");
    worker.start(narrow, 1);
    const [joined] = worker.handed(worker.job("batch"));
    if (joined === undefined) throw new Error("nothing joined");
    for (let more = 0; more < 4; more += 1) expect(worker.handed(worker.job("batch"))).toEqual([]);
    worker.start(joined, 1);
    worker.end(narrow.pass, 0);
    expect(ids(worker.handed(worker.end(joined.pass, 0)))).toEqual([[3, 4, 5, 6]]);
  });
});

describe("another family's turn", () => {
  test("lets what runs end, calls back what has not begun, and hands nothing more over", () => {
    const worker = toldTenure({ refills: true });
    const first = worker.full();
    for (const row of [0, 1, 2, 3]) worker.end(first.pass, row);
    const second = worker.full(2);
    worker.job("batch");
    const [prepared] = worker.handed(worker.told).slice(-1);
    worker.pass(30_000);
    const called = worker.waits("interactive");
    expect(called).toEqual([{ do: "stop", pass: prepared?.pass, rows: [0] }]);
    expect(worker.handed(worker.job("batch"))).toEqual([]);
    worker.end(prepared?.pass ?? 0, 0, CANCELLED);
    for (const row of [0, 1, 2])
      expect(worker.end(second.pass, row).some((effect) => effect.do === "kill")).toBe(false);
    expect(worker.end(second.pass, 3).map((effect) => effect.do)).toContain("kill");
    expect(worker.phase()).toBe("ending");
    expect(worker.told.filter((effect) => effect.do === "settle")).toHaveLength(8);
  });
});

describe("urgent work", () => {
  test("is handed over at once, one pass more urgent than the other at a time", () => {
    const worker = toldTenure();
    worker.full();
    expect(ids(worker.handed(worker.job("interactive")))).toEqual([[5]]);
    expect(ids(worker.handed(worker.job("realtime")))).toEqual([[6]]);
    expect(worker.handed(worker.job("realtime"))).toEqual([]);
    expect(worker.handed(worker.job("interactive"))).toEqual([]);
  });

  test("that is asked for without a gap does not hold up what it interrupted for ever: that has as long as an urgent pass takes", () => {
    const worker = toldTenure();
    worker.full();
    let [urgent] = worker.handed(worker.job("interactive"));
    let passes = 0;
    for (; urgent !== undefined && passes < 50; passes += 1) {
      const { pass, jobs } = urgent;
      worker.start(urgent, passes + 2);
      // A full pass waits behind it before it ends.
      [urgent] = [1, 2, 3, 4].flatMap(() => worker.handed(worker.job("interactive")));
      for (const row of jobs.keys()) worker.end(pass, row, undefined, 700);
    }
    expect(passes).toBeLessThan(50);
    const before = worker.handed(worker.told).length;
    worker.pass(699);
    expect(worker.handed(worker.told)).toHaveLength(before);
    expect(worker.handed(worker.pass(1)).map(({ lane }) => lane)).toEqual(["interactive"]);
  });

  for (const refills of [false, true]) {
    test(`of one lane without end lets batch work have a row in time, where rows ${refills ? "join" : "do not join"}`, () => {
      const worker = toldTenure({ refills });
      const known = new Set<number>();
      const open: { pass: number; row: number; lane: WorkLane }[] = [];
      const take = (effects: readonly TenureEffect[]) => {
        for (const pass of worker.handed(effects)) {
          if (known.has(pass.pass)) continue;
          known.add(pass.pass);
          worker.start(pass, refills && open.length > 0 ? 1 : pass.pass);
          open.push(...pass.jobs.map(({ lane }, row) => ({ pass: pass.pass, row, lane })));
        }
      };
      take(worker.job("interactive"));
      // Longer than they are: it fills no pass of theirs.
      take(worker.job("batch", { bytes: 1_000 }));
      let ended = 0;
      for (; ended < 200 && !open.some(({ lane }) => lane === "batch"); ended += 1) {
        for (let more = 0; more < 4; more += 1) take(worker.job("interactive"));
        const [oldest] = open.splice(0, 1);
        if (oldest !== undefined) take(worker.end(oldest.pass, oldest.row));
      }
      // Eight full passes went before it, and what they began with.
      expect(ended).toBeLessThan(48);
      expect(open.some(({ lane }) => lane === "batch")).toBe(true);
    });
  }

  test("with gaps is never held back: what it interrupts goes on in between", () => {
    const worker = toldTenure();
    worker.full();
    for (let passes = 0; passes < 30; passes += 1) {
      const [urgent] = worker.handed(worker.job("realtime"));
      expect(urgent?.lane).toBe("realtime");
      if (urgent === undefined) return;
      worker.start(urgent, passes + 2);
      worker.end(urgent.pass, 0);
    }
  });
});

describe("what came to nothing", () => {
  test("together, of several passes that were handed over, is judged together: halves, and half the room", () => {
    const worker = toldTenure({ refills: true });
    const first = worker.full();
    worker.end(first.pass, 0);
    const [joined] = worker.handed(worker.job("batch"));
    if (joined === undefined) throw new Error("nothing joined");
    worker.start(joined, 1);
    const failure = { code: "engine_out_of_memory", message: "" } as const;
    const effects = worker.tell({ type: "failed", pass: first.pass, rows: [1, 2, 3], failure });
    expect(ids(worker.handed(effects))).toEqual([[2, 3]]);
    expect(worker.handed(effects)[0]?.room).toBeUndefined();
    // It is told of the other pass too.
    expect(worker.tell({ type: "failed", pass: joined.pass, rows: [0], failure })).toEqual([]);
    const [half] = worker.handed(effects);
    if (half === undefined) return;
    worker.start(half, 2);
    worker.end(half.pass, 0);
    expect(ids(worker.handed(worker.end(half.pass, 1)))).toEqual([[4, 5]]);
  });

  test("is run alone, before the backlog that waits behind it", () => {
    const worker = toldTenure();
    const first = worker.full();
    const prepared = worker.handed(Array.from({ length: 8 }, () => worker.job("batch")).flat());
    expect(prepared).toHaveLength(1);
    worker.tell({ type: "failed", pass: first.pass, rows: [0, 1, 2, 3], failure: { code: "internal", message: "" } });
    const [behind] = prepared;
    if (behind === undefined) return;
    worker.start(behind, 2);
    for (const row of [0, 1, 2]) expect(worker.handed(worker.end(behind.pass, row))).toEqual([]);
    expect(ids(worker.handed(worker.end(behind.pass, 3)))).toEqual([[1]]);
  });
});

test("a pass hangs when none of its rows began or ended for PASS_TIMEOUT, however long it takes as a whole", () => {
  const worker = toldTenure();
  const pass = worker.full();
  for (const row of [0, 1, 2]) {
    worker.pass(59_999);
    worker.end(pass.pass, row);
  }
  expect(worker.pass(59_999).some((effect) => effect.do === "kill")).toBe(false);
  expect(worker.pass(1).some((effect) => effect.do === "kill")).toBe(true);
});
