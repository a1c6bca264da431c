import fc from "fast-check";
import { expect, test } from "vitest";
import { joinRun } from "./join-run.ts";

test("whatever waits, the oldest join, no more than a pass holds, and what joins fits into a pass of its own", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 100 }) }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 16 }),
      fc.nat(16),
      fc.integer({ min: 1, max: 1_000 }),
      fc.nat(16),
      (waiting, maxSize, before, budgetBytes, size) => {
        const prepared = Math.min(before, maxSize);
        const width = Math.min(maxSize, 1 + size);
        const rows = joinRun({ waiting, width, maxSize, prepared, budgetBytes });
        expect(rows).toEqual(waiting.slice(0, rows.length));
        expect(prepared + rows.length).toBeLessThanOrEqual(maxSize);
        const longest = Math.max(0, ...rows.map(({ bytes }) => bytes));
        if (rows.length > 1) expect(rows.length * longest).toBeLessThanOrEqual(budgetBytes);
        // Nobody waits for nothing: there is a place, or a fuller pass is to come.
        const mayWait = prepared === maxSize || (2 * width <= maxSize && waiting.length + prepared > width);
        if (waiting.length > 0 && !mayWait) expect(rows.length).toBeGreaterThan(0);
      },
    ),
    { numRuns: 1_000 },
  );
});
