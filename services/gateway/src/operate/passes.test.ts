import type { Progress, SegmentResult } from "@parlance/contracts";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createPasses, type PassEvent } from "./passes.ts";

const begun = (at: number, rows: number, worker = "w"): Progress => ({
  ...{ state: "running", at, pass: { worker, model: "m", operation: "transcribe", rows } },
});

const ended = (startedAt: number, passSize: number, by: { worker?: string } = { worker: "w" }): SegmentResult => ({
  ...{ operation: "transcribe", outcome: "ok", last: true, submittedAt: 0, timestamps: false, model: "m" },
  ...{ text: "", language: "", words: [], stretches: [], start: 0, duration: 1, score: null, truncated: false },
  ...{ startedAt, finishedAt: startedAt + 500, passSize, ...by },
});

const failed = (startedAt: number | undefined): SegmentResult => ({
  ...{ operation: "transcribe", outcome: "failed", last: true, submittedAt: 0, timestamps: false, worker: "w" },
  ...{ error: { code: "engine_failed", message: "no" }, startedAt, finishedAt: 900 },
});

test("a pass is told of when it begins, once, and then as each of its rows ends, with those that fail", () => {
  const passes = createPasses();
  const first = passes.begun(begun(100, 3));
  expect(first).toMatchObject({ worker: "w", model: "m", rows: 3, ended: 0, ended_at: null });
  expect(passes.begun(begun(100, 3))).toBeUndefined();
  expect(passes.ended(ended(100, 3))).toMatchObject({ id: first?.id, ended: 1, ended_at: "1970-01-01T00:00:00.600Z" });
  expect(passes.ended(failed(100))).toMatchObject({ id: first?.id, model: "m", rows: 3, ended: 2 });
});

test("of a worker that does not tell when one begins, a pass is made of its results", () => {
  const passes = createPasses();
  expect(passes.begun({ state: "running", at: 100 })).toBeUndefined();
  expect(passes.ended(ended(100, 2, {}))).toMatchObject({ worker: null, rows: 2, ended: 1 });
  expect(passes.ended(failed(700))).toBeUndefined();
  expect(passes.ended(failed(undefined))).toBeUndefined();
});

test("in whatever order they are told, no pass has more rows ended than it has, and none goes backwards", () => {
  const at = fc.integer({ min: 1, max: 100 });
  const rows = fc.integer({ min: 1, max: 16 });
  const told = fc.oneof(
    fc.record({ kind: fc.constant("begun" as const), at, rows }),
    fc.record({ kind: fc.constantFrom("ended" as const, "failed" as const), at, rows }),
  );
  fc.assert(
    fc.property(fc.array(told, { maxLength: 400 }), (news) => {
      const passes = createPasses();
      const last = new Map<string, PassEvent>();
      for (const { kind, at: moment, rows: size } of news) {
        const pass =
          kind === "begun"
            ? passes.begun(begun(moment, size))
            : passes.ended(kind === "ended" ? ended(moment, size) : failed(moment));
        if (pass === undefined) continue;
        const before = last.get(pass.id);
        expect(pass.ended).toBeLessThanOrEqual(pass.rows);
        // More than 64 at a time: the oldest is forgotten, and begins anew.
        if (before !== undefined && last.size <= 64) {
          expect(pass.rows).toBeGreaterThanOrEqual(before.rows);
          expect(pass.ended).toBeGreaterThanOrEqual(before.ended);
        }
        last.set(pass.id, pass);
      }
    }),
  );
});
