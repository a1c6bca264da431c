import fc from "fast-check";
import { expect, test } from "vitest";
import { createSwapCredit } from "./swap-credit.ts";

test("a family that was loaded for long lets a few requests in at once, then owes the stay", () => {
  const credit = createSwapCredit(0.5);
  for (let visit = 0; visit < 2; visit += 1) {
    credit.loaded(1_000);
    expect(credit.after(0)).toBe(1_000 - visit * 1_000);
    credit.stayed(0);
  }
  credit.loaded(1_000);
  expect(credit.after(0)).toBe(-1_000);
  expect(credit.after(999)).toBeLessThan(0);
  expect(credit.after(1_000)).toBe(0);
  credit.stayed(60_000);
  credit.loaded(1_000);
  expect(credit.after(0)).toBe(1_000);
});

test("however often it is asked, a family that yields only with credit spends at most the share of its time loading", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.05, max: 0.9, noNaN: true }),
      fc.array(fc.record({ swapMs: fc.integer({ min: 1, max: 5_000 }), passMs: fc.nat(3_000) }), { minLength: 50 }),
      (share, visits) => {
        const credit = createSwapCredit(share);
        let loading = 0;
        let staying = 0;
        let longest = 0;
        for (const { swapMs, passMs } of visits) {
          credit.loaded(swapMs);
          const held = Math.max(passMs, -credit.after(0));
          credit.stayed(held);
          loading += swapMs;
          staying += held;
          longest = Math.max(longest, swapMs);
        }
        // What was saved up at first is spent once.
        expect(loading).toBeLessThanOrEqual(share * (loading + staying) + 3 * longest);
      },
    ),
  );
});

test("nobody waits longer than the stay for one load, whatever happened before", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ swapMs: fc.nat(5_000), heldMs: fc.nat(5_000) }), { minLength: 1 }), (visits) => {
      const credit = createSwapCredit(0.25);
      for (const { swapMs, heldMs } of visits) {
        credit.loaded(swapMs);
        expect(credit.after(0)).toBeGreaterThanOrEqual(-3 * swapMs);
        credit.stayed(heldMs);
      }
    }),
  );
});
