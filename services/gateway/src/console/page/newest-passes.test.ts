import * as fc from "fast-check";
import { expect, test } from "vitest";
import { courseOf, MOST_PASSES, newestPasses, type Pass } from "./newest-passes.ts";

const pass = (began: number, ended: number, rows = 4): Pass => ({
  ...{ type: "pass", id: `w@${began}`, model: "m", worker: "w", operation: "transcribe", rows, ended },
  started_at: new Date(began).toISOString(),
  ended_at: ended === 0 ? null : new Date(began + 1_000).toISOString(),
});

test("each pass is there once as it was told last, the newest first, and never more than can be looked at", () => {
  const told = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 4 })), { maxLength: 300 });
  fc.assert(
    fc.property(told, (events) => {
      let shown: Pass[] = [];
      const last = new Map<number, number>();
      for (const [began, ended] of events) {
        shown = newestPasses(shown, pass(began * 1_000, ended));
        last.set(began, ended);
        expect(shown.length).toBeLessThanOrEqual(MOST_PASSES);
        const begins = shown.map(({ started_at }) => Date.parse(started_at) / 1_000);
        expect(begins).toEqual([...new Set(begins)].sort((a, b) => b - a));
        expect(shown.map((each) => each.ended)).toEqual(begins.map((begin) => last.get(begin)));
      }
    }),
  );
});

test("a pass runs until its last row has ended, and is given up for lost long after", () => {
  expect(courseOf(pass(0, 4), 9_000)).toEqual({ state: "over", ms: 1_000 });
  expect(courseOf(pass(0, 2), 9_000)).toEqual({ state: "running", ms: 9_000 });
  expect(courseOf(pass(0, 0), 601_000)).toMatchObject({ state: "lost" });
  expect(courseOf(pass(5_000, 0), 1_000)).toEqual({ state: "running", ms: 0 });
});
