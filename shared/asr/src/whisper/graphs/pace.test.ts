import fc from "fast-check";
import { expect, it } from "vitest";
import { createPace, evenly } from "./pace.ts";

it("finds how many nodes a run may have, whatever a run and a node cost", () => {
  for (const [run, node] of [
    [40, 2],
    [0.5, 0.01],
    [100, 30],
    [400, 100],
  ] as const) {
    const pace = createPace();
    for (let runs = 0; runs < 40; runs++) pace.took(pace.most, run + node * pace.most);
    const fitting = Math.max(1, Math.floor((150 - run) / node));
    expect(pace.most).toBeLessThanOrEqual(fitting);
    expect(pace.most).toBeGreaterThanOrEqual(fitting / 2);
  }
});

it("learns nothing about large runs from small ones, and gets over a run that something held up", () => {
  const pace = createPace();
  for (let runs = 0; runs < 40; runs++) pace.took(pace.most, pace.most);
  const most = pace.most;
  pace.took(1, 60);
  expect(pace.most).toBe(most);
  pace.took(most, 3_000);
  expect(pace.most).toBeLessThan(most / 10);
  for (let runs = 0; runs < 40; runs++) pace.took(pace.most, pace.most);
  expect(pace.most).toBe(most);
});

it("pieces are about the same size, and none is larger than it may be", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 100 }), (count, most) => {
      const pieces = evenly(count, most);
      expect(pieces.reduce((sum, size) => sum + size, 0)).toBe(count);
      expect(Math.max(...pieces)).toBeLessThanOrEqual(Math.max(1, most));
      expect(Math.max(...pieces) - Math.min(...pieces)).toBeLessThanOrEqual(1);
    }),
  );
});
