import { expect, test } from "vitest";
import { isLive, isMoreUrgent } from "../lanes/work-lane.ts";
import { type Handed, type ToldTenureOptions, toldTenure } from "../testing/told-tenure.ts";
import type { TenureEffect } from "./tenure-state.ts";

interface Timing {
  /** Sessions that each send a window as soon as the one before was answered. */
  sessions: number;
  livePassMs: number;
  batchPassMs: number;
  /** From one yield point of a batch pass to the next. */
  stepMs: number;
  totalMs: number;
}

/** An engine and a backlog without end, by a clock that goes on as the engine runs. Answers what the time went to. */
function spend(timing: Timing, options: ToldTenureOptions) {
  const worker = toldTenure(options);
  const waiting: Handed[] = [];
  /** The innermost last. */
  const running: { handed: Handed; leftMs: number; run: number }[] = [];
  const spent = { live: 0, others: 0 };
  const waits: number[] = [];
  const arrived = new Map<number, number>();
  let now = 0;
  let runs = 0;
  const take = (effects: readonly TenureEffect[]) => void waiting.push(...worker.handed(effects));
  const window = () => {
    take(worker.windows(1, 60_000));
    arrived.set(worker.newest(), now);
  };

  function begin(handed: Handed): void {
    waiting.splice(waiting.indexOf(handed), 1);
    runs += 1;
    running.push({ handed, leftMs: isLive(handed.lane) ? timing.livePassMs : timing.batchPassMs, run: runs });
    take(worker.start(handed, runs));
  }

  function goOn(ms: number): void {
    for (let left = ms; left > 0; ) {
      const due = (worker.wakeAt() ?? Number.POSITIVE_INFINITY) - now;
      const step = Math.min(left, Math.max(1, due));
      now += step;
      left -= step;
      take(worker.pass(step));
    }
  }

  function end({ handed: { pass, jobs } }: (typeof running)[number]): void {
    running.pop();
    for (const [row, { id, lane }] of jobs.entries()) {
      if (lane === "window") {
        waits.push(now - (arrived.get(id) ?? now));
        arrived.delete(id);
        window();
      }
      take(worker.end(pass, row));
      if (lane === "batch") take(worker.job("batch"));
    }
  }

  for (let job = 0; job < 40; job += 1) take(worker.job("batch"));
  for (let session = 0; session < timing.sessions; session += 1) window();
  while (now < timing.totalMs) {
    const inner = running.at(-1);
    const next = waiting.reduce<Handed | undefined>(
      (first, each) => (first === undefined || isMoreUrgent(each.lane, first.lane) ? each : first),
      undefined,
    );
    if (next !== undefined && (inner === undefined || isMoreUrgent(next.lane, inner.handed.lane))) begin(next);
    else if (inner === undefined) goOn(1);
    else {
      const ms = Math.min(inner.leftMs, isLive(inner.handed.lane) ? inner.leftMs : timing.stepMs);
      inner.leftMs -= ms;
      spent[isLive(inner.handed.lane) ? "live" : "others"] += ms;
      goOn(ms);
      if (inner.leftMs <= 0) end(inner);
    }
  }
  return { live: spent.live / now, others: spent.others / now, longestWait: Math.max(...waits), windows: waits.length };
}

const endless: Timing = { sessions: 8, livePassMs: 80, batchPassMs: 4_000, stepMs: 100, totalMs: 30_000 };

test.each([0.1, 0.3, 0.6])("of the time under sessions without end others keep their share: %d", (batchShare) => {
  const { others, live } = spend(endless, { batchShare });
  expect(others).toBeGreaterThan(batchShare * 0.9);
  expect(others).toBeLessThan(batchShare * 1.15);
  expect(others + live).toBeGreaterThan(0.98);
});

test("a window waits for it no longer than a breather, the steps that end it and the passes of windows around it", () => {
  const { longestWait, windows } = spend(endless, { batchShare: 0.1 });
  expect(windows).toBeGreaterThan(1_000);
  expect(longestWait).toBeLessThanOrEqual(100 + 2 * endless.stepMs + 4 * endless.livePassMs);
});

test("others get no more than their share where an engine's steps are longer than a breather", () => {
  const { others } = spend({ ...endless, stepMs: 1_000 }, { batchShare: 0.1 });
  expect(others).toBeGreaterThan(0.09);
  expect(others).toBeLessThan(0.13);
});

test("nothing is kept for others where nothing is to be", () => {
  expect(spend({ ...endless, totalMs: 5_000 }, { batchShare: 0 }).others).toBe(0);
});
