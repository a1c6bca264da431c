import { families } from "@parlance/contracts";
import { describe, expect, test } from "vitest";
import { defaultYieldSettings, stayFor } from "../yield-policy.ts";
import { seededRandom } from "./random.ts";
import { scenarios } from "./scenarios.ts";
import { drainThenYield, fixedQuantum, shareBounded } from "./schedules.ts";
import { type Scenario, type Schedule, simulate } from "./simulate.ts";

const HOUR = 3_600_000;

function run(name: string, schedule: Schedule = shareBounded(), totalMs = HOUR) {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  return simulate(scenario, schedule, totalMs, seededRandom(1));
}

describe("the simulation", () => {
  test("is the same for the same seed", () => {
    const name = "GPU, two backlogs, a request of each kind every 15 s";
    expect(run(name)).toEqual(run(name));
  });

  test("knows what a queue without rivals does: passes one after another, no swap but the first", () => {
    const idle = { swapMs: 1_000, pass: { base: 0, perJob: 100, maxJobs: 10 }, arrivals: {} };
    const scenario: Scenario = { asr: { ...idle, arrivals: { batch: "backlog" } }, tts: idle };
    const report = simulate(scenario, shareBounded(), HOUR, seededRandom(2));
    expect(report.swaps).toBe(1);
    expect(report.lanes.asr.batch.done / (HOUR / 100)).toBeCloseTo(1, 1);
  });

  test("every request that came is run, whatever the schedule", () => {
    const every = { interactive: { everyMs: 10_000 } };
    const scenario: Scenario = {
      asr: { swapMs: 500, pass: { base: 100, perJob: 10, maxJobs: 16 }, arrivals: every },
      tts: { swapMs: 500, pass: { base: 100, perJob: 10, maxJobs: 16 }, arrivals: every },
    };
    for (const schedule of [fixedQuantum(10), drainThenYield, shareBounded()]) {
      const report = simulate(scenario, schedule, HOUR, seededRandom(3));
      for (const family of families) expect(report.lanes[family].interactive.done).toBeGreaterThan(300);
    }
  });
});

describe("the workers' schedule", () => {
  test.each(Object.keys(scenarios))("starves no backlog: %s", (name) => {
    const { longestBatchGapMs } = run(name);
    for (const family of families) expect(longestBatchGapMs[family]).toBeLessThan(300_000);
  });

  test.each(["CPU, two backlogs", "GPU, two backlogs"])("keeps swaps below their share: %s", (name) => {
    const { swapMs, totalMs } = run(name);
    expect(swapMs / totalMs).toBeLessThanOrEqual(defaultYieldSettings.swapShare);
  });

  test.each(Object.keys(scenarios).filter((name) => name.includes("two streams")))(
    "leaves half of the time for work however fast requests come to both: %s",
    (name) => {
      const { swapMs, totalMs } = run(name);
      expect(swapMs / totalMs).toBeLessThanOrEqual(0.51);
    },
  );

  test.each(["CPU", "GPU"])(
    "a call keeps the accelerator but for the turns that a backlog is overdue: %s",
    (machine) => {
      const { swapMs, totalMs, lanes } = run(`${machine}, a call (a window every 0.3 s) before a speech backlog`);
      expect(swapMs / totalMs).toBeLessThan(0.125);
      const waits = lanes.asr.realtime.waits.sort((a, b) => a - b);
      expect(waits[Math.floor(0.8 * waits.length)]).toBeLessThan(1_000);
      expect(lanes.tts.batch.done).toBeGreaterThan(0);
    },
  );

  test("a request for speech beside a call that never pauses is overdue after two quanta", () => {
    const report = run("CPU, a call (a window every 0.3 s) and requests for speech every 10 s");
    const { quantumMs, swapShare } = defaultYieldSettings;
    const quantum = Math.max(quantumMs, stayFor(report.longestSwapMs, swapShare));
    const bound = 2 * quantum + report.longestPassMs + report.longestSwapMs + 1_000;
    expect(Math.max(...report.lanes.tts.interactive.waits)).toBeLessThan(bound);
    expect(report.lanes.tts.interactive.done).toBeGreaterThan(300);
  });

  test.each([
    "CPU, two backlogs, a request of each kind every 5 s",
    "GPU, two backlogs, a request of each kind every two minutes",
  ])("requests that find their family unloaded wait for a pass and a swap: %s", (name) => {
    const report = run(name, shareBounded(), 24 * HOUR);
    const waits = families.flatMap((family) => report.lanes[family].interactive.waitsUnloaded).sort((a, b) => a - b);
    const p95 = waits[Math.floor(0.95 * waits.length)];
    expect(p95).toBeLessThanOrEqual(report.longestPassMs + report.longestSwapMs);
  });
});
