import { type Lane, lanes } from "@parlance/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requestsAlone, SESSION_MS, shouldYield, stayFor, type YieldQuestion, yieldTimes } from "./yield-policy.ts";

const lane = fc.constantFrom<Lane>(...lanes);
const share = fc.double({ min: 0.02, max: 0.9, noNaN: true });
const question: fc.Arbitrary<YieldQuestion> = fc.record({
  ownLanes: fc.uniqueArray(lane),
  waiter: fc.option(fc.record({ lane, waitingMs: fc.nat(600_000) }), { nil: undefined }),
  quietMs: fc.oneof(fc.nat(10_000), fc.constant(Number.POSITIVE_INFINITY)),
  heldMs: fc.nat(600_000),
  passes: fc.nat(100),
  quantumMs: fc.integer({ min: 1, max: 60_000 }),
  swapShare: share,
  urgentShare: share,
  swapMs: fc.nat(20_000),
  creditMs: fc.integer({ min: -60_000, max: 60_000 }),
});

const base: YieldQuestion = {
  ownLanes: ["batch"],
  waiter: { lane: "interactive", waitingMs: 0 },
  heldMs: 0,
  passes: 1,
  quantumMs: 5_000,
  swapShare: 0.1,
  urgentShare: 0.5,
  swapMs: 3_000,
  creditMs: 0,
};

test("nobody yields to nobody", () => {
  fc.assert(
    fc.property(question, (asked) => {
      expect(shouldYield({ ...asked, waiter: undefined })).toBeUndefined();
    }),
  );
});

test("a holder without work or session yields to anybody, one with work runs a pass first", () => {
  fc.assert(
    fc.property(question, lane, (whatever, own) => {
      const asked = { ...whatever, quietMs: SESSION_MS };
      const waiter = asked.waiter ?? { lane: "batch", waitingMs: 0 };
      expect(shouldYield({ ...asked, waiter, ownLanes: [] })).toBe("idle");
      expect(shouldYield({ ...asked, waiter, ownLanes: [own], passes: 0 })).toBeUndefined();
    }),
  );
});

describe("a more urgent waiter", () => {
  test("gets its turn after the running pass while there is credit for it", () => {
    expect(shouldYield(base)).toBe("urgency");
    expect(shouldYield({ ...base, ownLanes: ["interactive"], waiter: { lane: "realtime", waitingMs: 0 } })).toBe(
      "urgency",
    );
    expect(shouldYield({ ...base, creditMs: -1 })).toBeUndefined();
  });

  test("of the same urgency as the holder's own requests waits for the stay that keeps swaps at their share", () => {
    const both = { ...base, ownLanes: ["interactive", "batch"] as const };
    const stay = stayFor(base.swapMs, base.urgentShare);
    expect(shouldYield({ ...both, heldMs: stay - 1 })).toBeUndefined();
    expect(shouldYield({ ...both, heldMs: stay })).toBe("quantum");
  });
});

test("no waiter waits for ever: once the quantum, the time that it may be passed over and what is owed are over it gets its turn", () => {
  fc.assert(
    fc.property(question, (asked) => {
      if (asked.waiter === undefined) return;
      const quantum = Math.max(asked.quantumMs, stayFor(asked.swapMs, asked.swapShare));
      const stay = Math.max(quantum, stayFor(asked.swapMs, asked.urgentShare));
      const { quietMs = SESSION_MS } = asked;
      const quanta = quietMs < SESSION_MS && asked.waiter.lane === "batch" ? 3 : 2;
      const waiter = { ...asked.waiter, waitingMs: quanta * quantum };
      expect(shouldYield({ ...asked, heldMs: stay, passes: 1, waiter, creditMs: 0 })).toBeDefined();
    }),
  );
});

test("two backlogs swap no more often than the quantum, and swaps take no more than their share of the time", () => {
  fc.assert(
    fc.property(question, (asked) => {
      const stay = stayFor(asked.swapMs, asked.swapShare);
      const turns: YieldQuestion = {
        ...asked,
        quietMs: SESSION_MS,
        ownLanes: ["batch"],
        waiter: { lane: "batch", waitingMs: 0 },
        passes: 1,
      };
      expect(shouldYield({ ...turns, heldMs: Math.max(asked.quantumMs, stay) - 1 })).toBeUndefined();
      expect(asked.swapMs / (asked.swapMs + stay || 1)).toBeLessThanOrEqual(asked.swapShare + 1e-9);
    }),
  );
});

describe("a pass that another family's request waits for", () => {
  const mixed = { ...base, ownLanes: ["interactive", "batch"] as const };
  const long = base.swapMs;

  test("carries requests alone, unless it has to wait all the same", () => {
    expect(requestsAlone(mixed, long, 0)).toBe(true);
    expect(requestsAlone({ ...mixed, creditMs: -1 }, long, 0)).toBe(false);
    expect(requestsAlone({ ...mixed, waiter: { lane: "batch", waitingMs: 0 } }, long, 0)).toBe(false);
    expect(requestsAlone({ ...mixed, waiter: undefined }, long, 0)).toBe(false);
    expect(requestsAlone(base, long, 0)).toBe(false);
  });

  test("leaves the backlog no more than twice in a row, and not for what takes little of a swap", () => {
    expect(requestsAlone(mixed, long, 1)).toBe(true);
    expect(requestsAlone(mixed, long, 2)).toBe(false);
    expect(requestsAlone(mixed, base.swapMs / 5, 0)).toBe(false);
  });
});

describe("an open session", () => {
  const open: YieldQuestion = { ...base, ownLanes: [], quietMs: 200, heldMs: 4_000, passes: 9 };
  const waits = (lane: Lane, change: Partial<YieldQuestion> = {}, waitingMs = 0) =>
    shouldYield({ ...open, waiter: { lane, waitingMs }, ...change });

  test("is realtime work whether a window of it is here or not: a backlog waits until it is overdue", () => {
    fc.assert(
      fc.property(question, fc.nat(SESSION_MS - 1), (asked, quietMs) => {
        const session = { ...asked, quietMs, passes: 1, waiter: { lane: "batch", waitingMs: asked.heldMs } as const };
        const spoken = shouldYield({ ...session, ownLanes: ["realtime"] });
        for (const ownLanes of [[], ["batch"], ["interactive"]] as const) {
          expect(shouldYield({ ...session, ownLanes })).toBe(spoken);
        }
      }),
    );
    expect(waits("batch", { heldMs: 27_000 }, 80_999)).toBeUndefined();
    expect(waits("batch", { heldMs: 27_000 }, 81_000)).toBe("overdue");
  });

  test("lets a request in when nobody speaks for a moment, and no sooner than swaps may take their share", () => {
    expect(waits("interactive")).toBeUndefined();
    expect(waits("interactive", { quietMs: 999 })).toBeUndefined();
    expect(waits("interactive", { quietMs: 1_000 })).toBe("pause");
    expect(waits("interactive", { quietMs: 1_000, heldMs: 2_999 })).toBeUndefined();
    expect(waits("interactive", { quietMs: 1_000, ownLanes: ["batch"] })).toBe("pause");
  });

  test("takes turns with another family's realtime work", () => {
    expect(waits("realtime", { heldMs: 2_999 })).toBeUndefined();
    expect(waits("realtime", { heldMs: 3_000 })).toBe("quantum");
  });

  test("is none any more when nothing was heard of it for long", () => {
    expect(waits("batch", { quietMs: SESSION_MS })).toBe("idle");
  });
});

test("what is answered stays so until the next of the times that are told, as long as nothing happens", () => {
  fc.assert(
    fc.property(question, fc.nat(20_000), (asked, ms) => {
      const { waiter, quietMs = 0 } = asked;
      if (waiter === undefined || ms >= Math.min(...yieldTimes(asked), Number.POSITIVE_INFINITY)) return;
      const later = { ...asked, heldMs: asked.heldMs + ms, quietMs: quietMs + ms };
      const answer = shouldYield({ ...later, waiter: { ...waiter, waitingMs: waiter.waitingMs + ms } });
      expect(answer).toBe(shouldYield(asked));
    }),
  );
});
