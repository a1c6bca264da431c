import { expect, it } from "vitest";
import { claimsOf, figuresOf, type Measured } from "./figures.ts";

const measured: Measured = {
  done: [4, 8, 6],
  donePlain: [11, 12, 13],
  running: { "one batch": [10], "ten batches": [30, 20] },
  cpu: { gateway: 0.5, results: 1.25 },
  cpuPlain: { gateway: 2.25, results: 0.5 },
  changed: [3, 1, 2],
};

it("figures are quantiles; those of batches that run are of all of them, and processor time of all parts", () => {
  expect(figuresOf(measured)).toEqual({
    status_ms_p50: 6,
    status_ms_p99: 8,
    status_ms_p99_running: 29.8,
    cpu_ms_per_status: 1.75,
    status_ms_p99_plain: 13,
    cpu_ms_per_status_plain: 2.75,
    changed_event_ms_p50: 2,
  });
});

it("claims fail where a figure is beyond its aim; where nobody can wait nothing is said of it", () => {
  expect(Object.values(claimsOf(figuresOf(measured)))).toEqual([true, false, true]);
  expect(figuresOf({ ...measured, changed: undefined }).changed_event_ms_p50).toBeNull();
  const slow = figuresOf({ ...measured, done: [11], cpu: { results: 2.1 } });
  expect(Object.values(claimsOf(slow))).toEqual([false, false, false]);
});
