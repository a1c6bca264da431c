import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { learnGap, noGaps, type PassShape, predictGap, rowsWithin, type YieldGaps } from "./yield-gaps.ts";

const BUDGET_MS = 250;
const bytes = fc.integer({ min: 1, max: 2_000_000 });
const shape: fc.Arbitrary<PassShape> = fc.record({ rows: fc.integer({ min: 1, max: 32 }), bytes });
const seen = fc.array(fc.tuple(shape, fc.double({ min: 0, max: 5_000, noNaN: true })), { maxLength: 40 });
const learnt = (all: readonly (readonly [PassShape, number])[]) =>
  all.reduce<YieldGaps>((gaps, [each, ms]) => learnGap(gaps, each, ms), noGaps);

/** How many rows the passes have that an engine runs one after another while somebody may come. */
function settle(most: number, length: number, gapOf: (rows: number) => number, passes = 40): number[] {
  const sizes: number[] = [];
  let gaps = noGaps;
  for (let pass = 0; pass < passes; pass += 1) {
    const rows = rowsWithin(gaps, { rows: most, bytes: length }, BUDGET_MS);
    sizes.push(rows);
    gaps = learnGap(gaps, { rows, bytes: length }, gapOf(rows));
  }
  return sizes;
}

describe("a prediction", () => {
  test("lies between the shortest and the longest that was told of such passes, and is nothing where none was", () => {
    fc.assert(
      fc.property(shape, fc.array(fc.double({ min: 0.1, max: 5_000, noNaN: true })), (asked, told) => {
        const predicted = predictGap(learnt(told.map((ms) => [asked, ms] as const)), asked);
        if (told.length === 0) expect(predicted).toBeUndefined();
        else {
          expect(predicted).toBeGreaterThanOrEqual(Math.min(...told) * (1 - 1e-9));
          expect(predicted).toBeLessThanOrEqual(Math.max(...told) * (1 + 1e-9));
        }
      }),
    );
  });

  test("follows what takes longer at once, and what takes less slowly", () => {
    const asked = { rows: 16, bytes: 800_000 };
    const slow = learnt([...Array(9).fill(100), 300].map((ms: number) => [asked, ms] as const));
    expect(predictGap(slow, asked)).toBeCloseTo(200);
    expect(predictGap(learnGap(slow, asked, 100), asked)).toBeCloseTo(190);
  });

  test("of a longer row of the same class is longer in proportion", () => {
    const gaps = learnGap(noGaps, { rows: 8, bytes: 600_000 }, 60);
    expect(predictGap(gaps, { rows: 8, bytes: 900_000 })).toBeCloseTo(90);
    expect(predictGap(gaps, { rows: 8, bytes: 1_200_000 })).toBeUndefined();
    expect(predictGap(gaps, { rows: 9, bytes: 600_000 })).toBeUndefined();
  });
});

describe("the bound", () => {
  test("is between one row and all of them, whatever was told; nothing known bounds nothing", () => {
    fc.assert(
      fc.property(seen, shape, fc.integer({ min: 1, max: 1_000 }), (told, asked, ms) => {
        const rows = rowsWithin(learnt(told), asked, ms);
        expect(Number.isInteger(rows) && rows >= 1 && rows <= asked.rows).toBe(true);
        expect(rowsWithin(noGaps, asked, ms)).toBe(asked.rows);
      }),
    );
  });

  test("of an engine that runs all rows at once comes to passes that take no longer than they may, if one row does not", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        bytes,
        fc.double({ min: 1, max: 250, noNaN: true }),
        (most, length, ms) => {
          const rows = settle(most, length, (each) => each * ms).at(-1) ?? 0;
          expect(rows * ms <= BUDGET_MS || rows === 1).toBe(true);
          // No smaller than it must be: twice as many would take too long.
          expect(rows === most || 2 * rows * ms > BUDGET_MS).toBe(true);
        },
      ),
    );
  });

  test("is all of them again when a pass that took long for once has been tried by halves", () => {
    const length = 800_000;
    let passes = 0;
    const sizes = settle(16, length, (rows) => (passes++ === 0 ? 2_000 : 40 + 4 * rows), 6);
    expect(sizes).toEqual([16, 8, 16, 16, 16, 16]);
  });

  test("of an engine that gives way between its rows is all of them, however long one takes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 32 }), bytes, fc.integer({ min: 1, max: 3_000 }), (most, length, ms) => {
        const sizes = settle(most, length, () => ms);
        expect(sizes.filter((rows) => rows < most).length).toBeLessThanOrEqual(1);
        expect(sizes.at(-1)).toBe(most);
      }),
    );
  });
});
