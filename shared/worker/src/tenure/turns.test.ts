/** Two models of one worker: whose turn it is, told by hand. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { roomFor } from "../lanes/demand.ts";
import type { WorkLane } from "../lanes/work-lane.ts";
import { ids, toldTenure } from "../testing/told-tenure.ts";
import type { TenureEffect } from "./tenure-state.ts";

const SWAP_MS = 1_000;
const ROW_MS = 100;

/** A worker of which the first model is loaded; the files of both are there. */
function twoModels() {
  const worker = toldTenure({ models: 2, batchWaitMs: 0 });
  const { tell } = worker;
  const of = (name: TenureEffect["do"]) => worker.told.filter((effect) => effect.do === name).length;

  /** What the machine asks for of files and engines is done, a load in SWAP_MS. */
  function obey(effects: readonly TenureEffect[]): TenureEffect[] {
    const all = [...effects];
    for (const effect of effects) {
      if (effect.do === "prepare") all.push(...obey(tell({ type: "prepared", model: effect.model, maxBatchSize: 4 })));
      if (effect.do === "kill") all.push(...obey(tell({ type: "exited", engine: effect.engine })));
      if (effect.do === "acquire") all.push(...obey(tell({ type: "granted", call: effect.call })));
      if (effect.do === "release") all.push(...obey(tell({ type: "released" })));
      if (effect.do !== "load") continue;
      all.push(...obey(worker.pass(SWAP_MS)));
      const { engine } = effect;
      all.push(...obey(tell({ type: "loaded", engine, refills: false, cuda: false, loadMs: SWAP_MS })));
    }
    return all;
  }
  let runs = 0;
  /** As many jobs as the lane has room for. */
  function fill(lane: WorkLane, model: number): void {
    for (let room = roomFor(worker.state(), lane, model); room > 0; room -= 1) obey(worker.job(lane, { model }));
  }
  /** The newest one that the engine has, to its end. */
  function runPass(): void {
    const { phase } = worker.state();
    const running = "tenure" in phase ? phase.tenure.passes.at(-1) : undefined;
    if (running === undefined) return;
    runs += 1;
    obey(tell({ type: "started", pass: running.id, rows: [...running.rows.keys()], run: runs, at: 0 }));
    obey(worker.pass(ROW_MS));
    for (const { row } of running.rows) obey(worker.end(running.id, row));
  }
  return {
    ...worker,
    ...{ obey, fill, runPass },
    /** So many passes, while work of these models waits all the time. */
    live(models: readonly number[], lane: WorkLane, passes: number): void {
      for (let n = 0; n < passes; n += 1) {
        for (const model of models) fill(lane, model);
        runPass();
      }
    },
    job: (lane: WorkLane, model: number) => obey(worker.job(lane, { model })),
    loads: () => of("load"),
    releases: () => of("release"),
    loaded: () => worker.state().model,
  };
}

describe("another of the worker's models", () => {
  test("is loaded at once where the loaded one has nothing to do, and the lease is kept", () => {
    const worker = twoModels();
    const effects = worker.job("batch", 1);
    expect(ids(worker.handed(effects))).toEqual([[1]]);
    expect([worker.loaded(), worker.loads(), worker.releases()]).toEqual([1, 2, 0]);
    expect(worker.told.filter((effect) => effect.do === "note-turn")).toEqual([{ do: "note-turn", reason: "idle" }]);
  });

  test("is not, before its files are there: the loaded one goes on, and only asks for them", () => {
    const worker = toldTenure({ models: 2, batchWaitMs: 0 });
    const effects = worker.job("interactive", { model: 1 });
    expect(effects).toContainEqual({ do: "prepare", model: 1 });
    expect(worker.phase()).toBe("working");
    expect(ids(worker.handed(worker.job("interactive")))).toEqual([[2]]);
    worker.tell({ type: "not-prepared", model: 1, error: new Error("no files"), restMs: 1_000 });
    // What waits for it is another worker's meanwhile, and is looked at again in time.
    expect(worker.told).toContainEqual({ do: "give-back", jobs: [expect.objectContaining({ id: 1 })] });
    expect(worker.phase()).toBe("working");
    expect(worker.wakeAt()).toBe(1_000);
  });

  test("takes turns with it by its requests: each stays for as long as its load took, and what has not begun waits", () => {
    const worker = twoModels();
    const [first] = worker.handed(worker.job("interactive", 0));
    if (first === undefined) throw new Error("it was not handed over");
    worker.start(first, 1);
    worker.job("interactive", 1);
    worker.job("interactive", 0);
    worker.obey(worker.pass(SWAP_MS - 1));
    worker.obey(worker.end(first.pass, 0));
    expect(worker.loaded()).toBe(0);
    worker.obey(worker.pass(1));
    expect(worker.loaded()).toBe(1);
    expect(ids(worker.handed(worker.told)).slice(-2)).toEqual([[3], [2]]);
  });

  test("never runs with it: of a pass all rows are one model's", () => {
    const worker = twoModels();
    for (let n = 0; n < 4; n += 1) {
      worker.job("batch", 0);
      worker.job("batch", 1);
    }
    for (const { jobs } of worker.handed(worker.told)) expect(new Set(jobs.map(({ model }) => model)).size).toBe(1);
  });

  test("does not hold back another family for longer than one model would", () => {
    const worker = twoModels();
    worker.live([0, 1], "interactive", 3);
    worker.obey(worker.waits("batch"));
    const began = worker.state().heardAt;
    for (let passes = 0; worker.releases() === 0 && passes < 1_000; passes += 1) worker.live([0, 1], "interactive", 1);
    expect(worker.releases()).toBe(1);
    // Two quanta of nine loads each, and what it was busy with.
    expect(worker.state().heardAt - began).toBeLessThan(22 * SWAP_MS);
  });
});

describe("while work of two models never ends", () => {
  test("loads take no more of the time than the settings say, and each has its turns", () => {
    const lane = fc.constantFrom<WorkLane>("interactive", "batch");
    fc.assert(
      fc.property(fc.array(fc.tuple(lane, lane), { minLength: 1, maxLength: 8 }), (pattern) => {
        const worker = twoModels();
        for (let n = 0; n < 400; n += 1) {
          for (const [model, its] of (pattern[n % pattern.length] ?? []).entries()) worker.fill(its, model);
          worker.runPass();
        }
        // Half of the time while requests come to both, and what is saved up for a beginning.
        expect(worker.loads() * SWAP_MS).toBeLessThan(worker.state().heardAt * 0.5 + 4 * SWAP_MS);
        const settled = worker.told.flatMap((effect) => (effect.do === "settle" ? [effect.job.model] : []));
        expect(new Set(settled)).toEqual(new Set([0, 1]));
      }),
      { numRuns: 25 },
    );
  });

  test("two backlogs leave a tenth of it for loads", () => {
    const worker = twoModels();
    worker.live([0, 1], "batch", 500);
    expect(worker.loads()).toBeGreaterThan(4);
    expect(worker.loads() * SWAP_MS).toBeLessThan(worker.state().heardAt * 0.12 + 2 * SWAP_MS);
  });
});
