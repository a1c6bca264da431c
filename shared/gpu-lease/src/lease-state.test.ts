import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explore, type Scenario } from "./lease-checker.ts";
import { type LeaseEvent, type LeaseState, leaseMachine, leaseTiming } from "./lease-state.ts";

const none = { losses: 0, delays: 0, pauses: 0, yields: 0, vanishes: 0 };

describe("every behaviour of a small world", () => {
  const scenarios: Record<string, Scenario> = {
    "two contenders; a loss, a delay, a stopped process": {
      contenders: 2,
      marginMs: 2,
      faults: { ...none, losses: 1, delays: 1, pauses: 1 },
    },
    "two contenders; supervisor and engine stopped": {
      contenders: 2,
      marginMs: 2,
      faults: { ...none, pauses: 2 },
    },
    "two contenders; one lets go, a loss, a delay": {
      contenders: 2,
      marginMs: 2,
      faults: { ...none, losses: 1, delays: 1, yields: 1 },
    },
    "two contenders; the key vanishes twice, a delay": {
      contenders: 2,
      marginMs: 2,
      faults: { ...none, delays: 1, vanishes: 2 },
    },
    "two contenders; the key vanishes, a loss": {
      contenders: 2,
      marginMs: 2,
      faults: { ...none, losses: 1, vanishes: 1 },
    },
    "two contenders; the key vanishes while a process is stopped": {
      contenders: 2,
      marginMs: 2,
      faults: { ...none, pauses: 1, vanishes: 1 },
    },
    "two contenders that are told of each write; one lets go, the key vanishes": {
      contenders: 2,
      marginMs: 2,
      tellsWrites: true,
      faults: { ...none, yields: 1, vanishes: 1 },
    },
    "three contenders; the key vanishes": { contenders: 3, marginMs: 2, faults: { ...none, vanishes: 1 } },
    "three contenders; a delay": { contenders: 3, marginMs: 2, faults: { ...none, delays: 1 } },
    "three contenders; a stopped process": { contenders: 3, marginMs: 2, faults: { ...none, pauses: 1 } },
  };
  for (const [name, scenario] of Object.entries(scenarios)) {
    test(`never two engines, never a holder without the key, always a next holder: ${name}`, () => {
      const { violations, stuck, worlds } = explore(scenario);
      expect(violations).toEqual([]);
      expect(stuck).toBe(0);
      expect(worlds).toBeGreaterThan(5_000);
    });
  }

  test("the checker finds the two engines that a margin as small as a timer's lateness would allow", () => {
    const { violations } = explore({ contenders: 2, marginMs: 1, faults: { ...none, pauses: 1 } });
    expect(violations).toEqual(["two engines are loaded"]);
  });

  test("the checker finds the two engines of a contender that does not wait out a holder's life", () => {
    const { violations } = explore({ contenders: 2, marginMs: 2, lifeMs: 3, faults: { ...none, pauses: 1 } });
    expect(violations).toContain("two engines are loaded");
  });

  test("what is not promised: a key vanishes of whose holder somebody has not heard", () => {
    const { violations } = explore({
      contenders: 2,
      marginMs: 2,
      vanishesUnseen: true,
      faults: { ...none, vanishes: 1 },
    });
    expect(violations).toContain("two engines are loaded");
  });
});

const timing = leaseTiming(10_000);
const machine = leaseMachine(timing);
const lifeMs = timing.ttlMs + timing.graceMs;

/** Events in any order, also ones that make no sense, at times that only grow. */
const anyEvents = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 4_000 }),
    fc.constantFrom("acquire", "release", "stopped", "created", "updated", "deleted", "read", "unsure", "seen", "tick"),
    fc.integer({ min: 0, max: 6 }),
    fc.constantFrom(0, 0, 0, 1),
  ),
  { maxLength: 60 },
);

function eventOf(
  state: LeaseState,
  [type, revision, late, now]: [string, number, number, number],
): LeaseEvent | undefined {
  const call = state.call - late;
  const written = revision === 0 ? undefined : revision;
  switch (type) {
    case "acquire":
    case "release":
    case "stopped":
    case "tick":
      return { type, now };
    case "created":
    case "updated":
      return { type, now, call, revision: written };
    case "deleted":
      return { type, now, call, deleted: revision > 3 };
    case "read":
      return { type, now, call, entry: written === undefined ? undefined : { mine: revision > 3, revision, lifeMs } };
    case "unsure":
      return { type, now, call };
    case "seen":
      if (revision <= 1) return { type, now, key: "anothers", revision, lifeMs };
      return { type, now, key: revision > 3 ? "gone" : "mine", revision };
    default:
      return undefined;
  }
}

test("whatever happens in whatever order, nobody holds past a deadline, and no deadline is later than the last write allows", () => {
  fc.assert(
    fc.property(anyEvents, (happenings) => {
      let state = machine.initial;
      let now = 0;
      const sent: number[] = [];
      for (const [wait, type, revision, late] of happenings) {
        now += wait;
        const event = eventOf(state, [type, revision, late, now]);
        if (event === undefined) continue;
        const [following, effects] = machine.next(state, event);
        if (effects.some((effect) => effect.do === "create" || effect.do === "update")) sent.push(now);
        state = following;
        const until = machine.heldUntil(state);
        if (until === undefined) continue;
        expect(until).toBeGreaterThan(now);
        expect(until).toBeLessThanOrEqual(Math.max(...sent) + timing.ttlMs - timing.marginMs);
        expect(machine.wakeAt(state)).toBeLessThanOrEqual(until);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a holder whose renewal went unanswered asks with the same revision again, and takes its own write for its own", () => {
  let [state] = machine.next(machine.initial, { type: "acquire", now: 0 });
  [state] = machine.next(state, { type: "created", call: state.call, revision: 7, now: 10 });
  expect(machine.heldUntil(state)).toBe(9_000);
  let effects: unknown;
  [state, effects] = machine.next(state, { type: "tick", now: 3_400 });
  expect(effects).toMatchObject([{ do: "update", revision: 7 }]);
  [state, effects] = machine.next(state, { type: "unsure", call: state.call, now: 5_000 });
  expect(effects).toMatchObject([{ do: "update", revision: 7 }]);
  [state, effects] = machine.next(state, { type: "updated", call: state.call, revision: undefined, now: 5_010 });
  expect(effects).toMatchObject([{ do: "read" }]);
  [state, effects] = machine.next(state, {
    type: "read",
    call: state.call,
    entry: { mine: true, revision: 8, lifeMs },
    now: 5_020,
  });
  // The write that landed may have been the first one: nine seconds from when that was sent.
  expect(effects).toMatchObject([
    { do: "update", revision: 8 },
    { do: "extended", until: 12_400 },
  ]);
  [state, effects] = machine.next(state, { type: "updated", call: state.call, revision: 9, now: 5_030 });
  expect(machine.heldUntil(state)).toBe(14_020);
});

test("a holder whose key is another's has lost at once", () => {
  let [state] = machine.next(machine.initial, { type: "acquire", now: 0 });
  [state] = machine.next(state, { type: "created", call: state.call, revision: 7, now: 10 });
  [state] = machine.next(state, { type: "seen", key: "anothers", revision: 9, lifeMs, now: 500 });
  const [lost, effects] = machine.next(state, {
    type: "read",
    call: state.call,
    entry: { mine: false, revision: 9, lifeMs },
    now: 510,
  });
  expect(effects).toEqual([{ do: "lost", reason: "taken" }]);
  // It asks for nothing until its engine is gone.
  expect(machine.next(lost, { type: "acquire", now: 520 })).toEqual([lost, []]);
});
