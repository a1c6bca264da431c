import { type Lane, lanes } from "@parlance/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { shouldYield, type YieldQuestion } from "./yield-policy.ts";

const lane = fc.constantFrom<Lane>(...lanes);
const question: fc.Arbitrary<YieldQuestion> = fc.record({
  ownLanes: fc.uniqueArray(lane),
  waiter: fc.option(fc.record({ lane, waitingMs: fc.nat(600_000) }), { nil: undefined }),
  heldMs: fc.nat(600_000),
  passes: fc.nat(100),
  quantumMs: fc.integer({ min: 1, max: 60_000 }),
  swapMs: fc.nat(20_000),
});

test("nobody yields to nobody", () => {
  fc.assert(
    fc.property(question, (asked) => {
      expect(shouldYield({ ...asked, waiter: undefined })).toBeUndefined();
    }),
  );
});

test("a holder without work yields to anybody, one with work runs a pass first", () => {
  fc.assert(
    fc.property(question, lane, (asked, own) => {
      const waiter = asked.waiter ?? { lane: "batch", waitingMs: 0 };
      expect(shouldYield({ ...asked, waiter, ownLanes: [] })).toBe("idle");
      expect(shouldYield({ ...asked, waiter, ownLanes: [own], passes: 0 })).toBeUndefined();
    }),
  );
});

test("a more urgent waiter gets its turn after the running pass", () => {
  const base = { heldMs: 0, passes: 1, quantumMs: 30_000, swapMs: 3_000 };
  expect(shouldYield({ ...base, ownLanes: ["batch"], waiter: { lane: "interactive", waitingMs: 0 } })).toBe("urgency");
  expect(shouldYield({ ...base, ownLanes: ["interactive"], waiter: { lane: "realtime", waitingMs: 0 } })).toBe(
    "urgency",
  );
  expect(
    shouldYield({ ...base, ownLanes: ["interactive", "batch"], waiter: { lane: "interactive", waitingMs: 0 } }),
  ).toBeUndefined();
});

test("no waiter waits for ever: once the quantum and its patience are over it gets its turn", () => {
  fc.assert(
    fc.property(question, (asked) => {
      if (asked.waiter === undefined) return;
      const quantum = Math.max(asked.quantumMs, 2 * asked.swapMs);
      const late = { ...asked, heldMs: quantum, passes: 1, waiter: { ...asked.waiter, waitingMs: 4 * quantum } };
      expect(shouldYield(late)).toBeDefined();
    }),
  );
});

test("two backlogs of the same urgency swap no more often than the quantum, and never for less than two swaps' time", () => {
  fc.assert(
    fc.property(question, lane, (asked, shared) => {
      const quantum = Math.max(asked.quantumMs, 2 * asked.swapMs);
      const early = { ...asked, ownLanes: [shared], waiter: { lane: shared, waitingMs: 0 }, heldMs: quantum - 1 };
      expect(shouldYield(early)).toBeUndefined();
    }),
  );
});
