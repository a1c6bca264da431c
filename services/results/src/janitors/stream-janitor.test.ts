import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { finishedUpTo, pressureLimit, shareToFree, windowLimit } from "./stream-janitor.ts";

const finished = fc
  .record({ first: fc.integer({ min: 1, max: 500 }), length: fc.nat(500) })
  .map(({ first, length }) => ({ first, last: first + length - 1 }));

describe("what JOBS and INTAKE may lose", () => {
  test("is what is older than the window, and finished", () => {
    expect(windowLimit({ first: 1, last: 100 }, 40)).toBe(40);
    expect(windowLimit({ first: 1, last: 100 }, undefined)).toBe(101);
    expect(windowLimit({ first: 1, last: 20 }, 40)).toBe(21);
  });

  test("was delivered and acknowledged: a count that lags says nothing of a message that nobody has seen", () => {
    expect(finishedUpTo({ ackFloor: 100, delivered: 90 })).toBe(90);
    expect(finishedUpTo({ ackFloor: 80, delivered: 90 })).toBe(80);
  });

  test("grows beyond half of the bytes, and is then the oldest of what is finished", () => {
    expect(shareToFree({ bytes: 500, maxBytes: 1_000 })).toBe(0);
    expect(shareToFree({ bytes: 800, maxBytes: 1_000 })).toBe(0.5);
    expect(shareToFree({ bytes: 800, maxBytes: -1 })).toBe(0);
    expect(pressureLimit([{ first: 1, last: 100 }], 0.5)).toBe(51);
  });

  test("does not depend on a durable in which nothing is finished", () => {
    const waits = { first: 1, last: 0 };
    expect(pressureLimit([waits, { first: 1_000_001, last: 1_000_100 }], 0.5)).toBe(1_000_051);
    expect(pressureLimit([waits], 0.5)).toBeUndefined();
  });

  test("is never a message that its durable has not finished, and in the end all that are", () => {
    fc.assert(
      fc.property(
        fc.array(finished, { minLength: 1, maxLength: 6 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.option(fc.nat(1_000), { nil: undefined }),
        (durables, share, firstInWindow) => {
          for (const of of durables) {
            const limit = windowLimit(of, firstInWindow);
            expect(limit).toBeLessThanOrEqual(of.last + 1);
            if (firstInWindow !== undefined) expect(limit).toBeLessThanOrEqual(firstInWindow);
          }
          // As the janitor does it: each round takes each durable's finished messages below the limit.
          let left = durables;
          let rounds = 0;
          for (let limit = pressureLimit(left, share); limit !== undefined; limit = pressureLimit(left, share)) {
            const below = limit;
            const before = left.reduce((sum, { first, last }) => sum + Math.max(0, last - first + 1), 0);
            left = left.map(({ first, last }) => ({ first: Math.max(first, Math.min(below, last + 1)), last }));
            const after = left.reduce((sum, { first, last }) => sum + Math.max(0, last - first + 1), 0);
            expect(after).toBeLessThan(before);
            rounds += 1;
          }
          expect(rounds).toBeGreaterThanOrEqual(0);
          for (const { first, last } of left) expect(first).toBeGreaterThan(last);
        },
      ),
    );
  });
});
